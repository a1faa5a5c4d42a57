"""A run that is killed again and again ends as one that is not; what is large stays small in memory."""

import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

KILLS = 10
COUNT, WIDTH = 100_000, 64
MOST_BYTES = 4 << 30


def command(folder: Path) -> list[str]:
    return [sys.executable, "-m", "tests.models.adaptation.running", str(folder)]


@pytest.mark.long
def test_killed_at_ten_random_moments_the_weights_are_the_same(tmp_path: Path) -> None:
    began = time.monotonic()
    undisturbed = subprocess.run(command(tmp_path / "a"), check=True, capture_output=True, text=True).stdout
    whole = time.monotonic() - began
    moments = random.Random(1)
    kills = 0
    while True:
        process = subprocess.Popen(command(tmp_path / "b"), stdout=subprocess.PIPE, text=True)
        try:
            said, _ = process.communicate(
                timeout=moments.uniform(0.2, 0.9) * whole if kills < KILLS else None
            )
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        assert process.returncode == 0
        break

    assert said == undisturbed
    assert kills > 0


MEASURE = f"""
import resource
import numpy as np
from models.adaptation.clusters import stable_clusters
from models.adaptation.jaccard import near_pairs
from models.adaptation.settings import Neighbourhood

rng = np.random.default_rng(0)
people = rng.normal(size=({COUNT} // 5, {WIDTH})).astype(np.float32)
features = np.repeat(people, 5, axis=0) + 0.3 * rng.normal(size=({COUNT}, {WIDTH})).astype(np.float32)
features /= np.linalg.norm(features, axis=1, keepdims=True)
settings = Neighbourhood()
pairs = near_pairs(features, k1=settings.k1, k2=settings.k2, limit=0.52)
labels = stable_clusters(pairs, len(features), 0.5, settings, [])
print(labels.max() + 1, 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.long
def test_a_hundred_thousand_tracklets_fit_into_four_gigabytes() -> None:
    """The width of features adds only 4 bytes a number: .5 GB at the 1,280 of the shipped models."""
    said = subprocess.run([sys.executable, "-c", MEASURE], check=True, capture_output=True, text=True).stdout

    clusters, peak = map(int, said.split())
    assert clusters > COUNT // 5 // 2
    assert peak + COUNT * (1280 - WIDTH) * 4 < MOST_BYTES
