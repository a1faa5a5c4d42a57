import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# How many pages the system clears for five rounds of layers of 16 MB each, once their sizes are known.
PAGES = """
import resource
import torch
from models.memory import keep_memory
{change}
def layers():
    x = torch.ones(2**22)
    kept = [x * n for n in range(4)]
for _ in range(30):
    layers()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(5):
    layers()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""

# Left to itself glibc raises this threshold as blocks are freed, and whether it hands any back then depends
# on what happens to lie above them.
HANDS_BACK = {"MALLOC_MMAP_THRESHOLD_": str(2**20)}


def pages(change: str) -> int:
    result = subprocess.run(
        [sys.executable, "-c", PAGES.format(change=change)],
        cwd=ROOT,
        env=os.environ | HANDS_BACK,
        capture_output=True,
        check=True,
    )
    return int(result.stdout)


@pytest.mark.long
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="what is changed is glibc's")
def test_memory_that_is_kept_needs_no_new_pages() -> None:
    # Not none: how blocks fall into the heap varies with what was allocated before.
    assert 4 * pages("keep_memory()") < pages("")
