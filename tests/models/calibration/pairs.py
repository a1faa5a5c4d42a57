"""Calibrators, and pairs whose likelihood ratios are known."""

from typing import Any

import numpy as np

from models.calibration.calibrator import Calibrator, Evidence
from models.calibration.fit import Pairs

MODEL = "a" * 64


def calibrator(**changed: Any) -> Calibrator:
    values: dict[str, Any] = {
        "model_id": MODEL,
        "intercept": -4.0,
        "weights": (1.5, 0.0, 0.0, 0.0),
        "ranges": ((3.0, 7.0), (-4.0, 0.0)),
        "limit": 12.0,
        "fitted_on": {"dataset": "made up"},
    }
    return Calibrator(**values | changed)


def gaussian_pairs(people: int, *, strangers: int = 200, seed: int = 0, apart: float = 4.0) -> Pairs:
    """Pairs of which those of one person score N(apart, 1) and all others N(0, 1)."""
    random = np.random.default_rng(seed)
    same = np.tile(np.arange(strangers + 2) < 2, people)
    scores = random.normal(np.where(same, apart, 0.0), 1.0)
    count = len(same)
    evidence = Evidence(
        scores=scores,
        cosines=np.zeros(count),
        height=random.uniform(60, 400, count),
        sharpness=random.uniform(0.05, 0.6, count),
    )
    return Pairs(evidence, same, np.repeat(np.arange(people), strangers + 2))
