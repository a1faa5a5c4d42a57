"""What people said of tracklets, as links: must-links join clusters, cannot-links keep them apart.

Wagstaff et al., "Constrained K-means Clustering with Background Knowledge", ICML 2001.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from models.adaptation.clusters import Groups
from models.adaptation.source import Verdicts


class Said(NamedTuple):
    """Links from verdicts.

    Attributes:
        together: pairs of one person; joining all of them brings nobody together who is apart.
        apart: pairs of two people.
        refused: verdicts "same person" that contradict other facts, in words for the report.
    """

    together: list[tuple[int, int]]
    apart: list[tuple[int, int]]
    refused: list[str]


def links_of(
    verdicts: Sequence[Verdicts], places: Mapping[str, int], seen_apart: Sequence[tuple[int, int]]
) -> Said:
    """Turn verdicts into links that agree with each other and with what was seen.

    Those who were seen side by side are two people, whatever is marked. Of two verdicts that contradict each
    other, the one that keeps apart counts: a wrong join teaches more wrong than a wrong division.

    Args:
        verdicts: of one person each; those that come first count first.
        places: of the tracklets that are learnt from, by their ids.
        seen_apart: pairs of places seen side by side.
    """
    apart = sorted(
        {
            (min(one, other), max(one, other))
            for said in verdicts
            for one in _known(said.same, places).values()
            for other in _known(said.others, places).values()
            if one != other
        }
    )
    groups = Groups(len(places), [*seen_apart, *apart])
    seen = {pair for one, other in seen_apart for pair in ((one, other), (other, one))}
    together, refused = [], []
    for said in verdicts:
        first: int | None = None
        for name, place in _known(said.same, places).items():
            if first is None:
                first = place
            elif groups.join(first, place):
                together.append((first, place))
            else:
                both = (groups.members[groups.root[one]] for one in (first, place))
                ones, others = both
                side = any((one, other) in seen for one in ones for other in others)
                why = (
                    "was seen side by side with that person"
                    if side
                    else "is marked as another person elsewhere"
                )
                refused.append(f"{name}, marked as the person of search {said.search}, {why}")
    return Said(together, apart, refused)


def _known(names: Sequence[str], places: Mapping[str, int]) -> dict[str, int]:
    return {name: places[name] for name in names if name in places}
