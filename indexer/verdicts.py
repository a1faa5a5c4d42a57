"""What marks on hits say of tracklets: which show one person, and which do not."""

from typing import Final

from gallery import Gallery, MarkInfo, NotFound, SearchInfo, Verdict
from models.adaptation.source import Verdicts

MOST: Final = 100_000  # marks, the newest


def verdicts_of(gallery: Gallery) -> list[Verdicts]:
    """Return what the marks of a gallery say, one entry a person, those with the newest marks first.

    A search and those that refine it look for one person; the newest mark of a tracklet counts among them. If
    it was a tracklet that was searched for, it shows the person too, whatever is marked.
    """
    asked: dict[str, SearchInfo] = {}
    marks: dict[str, dict[str, MarkInfo]] = {}
    for mark in gallery.marks.newest(MOST):
        first = _root(gallery, mark.search_id, asked)
        if first is not None:
            marks.setdefault(first.id, {}).setdefault(mark.tracklet_id, mark)
    found = []
    for root_id, own in marks.items():
        root = asked[root_id]
        probes = [one.tracklet_id for one in root.query.probes if one.tracklet_id is not None]
        there = gallery.still_there(root, probes).tracklets if probes else {}
        probes = [one for one in probes if one in there]  # indexed anew, the id is another person's
        # The oldest first: what was sure at once, before a refined search showed more.
        matches, others = (
            [one for one, mark in reversed(own.items()) if mark.verdict is verdict and one not in probes]
            for verdict in (Verdict.MATCH, Verdict.NOT)
        )
        found.append(Verdicts(root_id, [*probes, *matches], others))
    return found


def _root(gallery: Gallery, search_id: str, known: dict[str, SearchInfo]) -> SearchInfo | None:
    """The search that a search refines, or that one refines, and so on; None if one of them is gone."""
    passed: set[str] = set()
    while search_id not in passed:
        passed.add(search_id)
        try:
            search = known.get(search_id) or gallery.searches.get(search_id)
        except NotFound:
            return None
        known[search_id] = search
        if search.query.refined is None:
            return search
        search_id = search.query.refined.parent
    return None
