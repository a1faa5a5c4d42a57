"""Which hits a person should judge next: those whose verdict says most.

A verdict on a hit that is surely right or surely wrong says little. So the hits nearest to the line are asked
about first, and cameras take turns, since one camera's matches resemble each other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def to_judge(values: NDArray[np.floating], cameras: Sequence[object], line: float, count: int) -> list[int]:
    """Choose hits to be judged: places, those whose verdict says most first.

    Args:
        values: (H,) what hits are believed by: probabilities, or the scores that order them.
        cameras: (H,) of each hit.
        line: the value at which a hit is as likely right as wrong.
        count: how many to choose.
    """
    nearest = np.argsort(np.abs(np.asarray(values) - line), kind="stable").tolist()
    turns: dict[object, int] = {}
    order = []
    for place in nearest:
        turn = turns.get(cameras[place], 0)
        turns[cameras[place]] = turn + 1
        order.append((turn, place))
    return [place for _, place in sorted(order, key=lambda one: one[0])[:count]]


def line_between(scores: NDArray[np.floating], matches: Sequence[int], others: Sequence[int]) -> float:
    """The score at which a hit is as likely right as wrong by the verdicts given: between both kinds.

    Args:
        scores: (H,) of the hits, best first.
        matches: places of hits that show the person.
        others: of hits that do not. Without one of the kinds the line lies at its end of the list.
    """
    low = float(np.median(scores[list(others)])) if len(others) else None
    high = float(np.median(scores[list(matches)])) if len(matches) else None
    if low is not None and high is not None:
        return (low + high) / 2
    return float(scores.max()) if high is None else float(scores[list(matches)].min())
