"""Marks on hits as what adaptation knows of tracklets."""

from dataclasses import replace

from gallery import Gallery, NewSearch, QueriedProbe, Refinement, SearchInfo, Verdict
from indexer.gallery_source import GallerySource, Range
from indexer.settings import IndexSettings
from indexer.verdicts import verdicts_of
from models.adaptation.source import Verdicts
from models.preprocessing import Preprocessing
from tests.gallery.investigation.test_marks import search_for
from tests.gallery.making import make_tracklets, store

MATCH, NOT = Verdict.MATCH, Verdict.NOT


def refined(gallery: Gallery, parent: SearchInfo) -> SearchInfo:
    query = replace(parent.query, refined=Refinement(parent.id, "rocchio", [], []))
    return asked(gallery, replace(parent, query=query))


def asked(gallery: Gallery, like: SearchInfo) -> SearchInfo:
    fields = {name: getattr(like, name) for name in NewSearch.__dataclass_fields__}
    return gallery.searches.add(NewSearch(**fields))


def test_each_search_with_its_refinements_is_one_person(gallery: Gallery) -> None:
    videos = (store(gallery, number, make_tracklets(number, 3)) for number in (1, 2))
    first = search_for(gallery, *videos)
    a, b, c, d, e, _ = (hit.tracklet_id for hit in first.hits)
    second = refined(gallery, refined(gallery, first))
    other = asked(gallery, first)
    for search, tracklet, verdict in (
        (first, a, MATCH),
        (first, b, NOT),
        (first, c, MATCH),
        (second, b, MATCH),
        (second, d, NOT),
        (other, e, NOT),
    ):
        gallery.marks.set(search.id, tracklet, verdict)
    assert verdicts_of(gallery) == [
        Verdicts(other.id, [], [e]),
        Verdicts(first.id, [a, c, b], [d]),
    ]
    gallery.marks.undo(second.id)
    assert verdicts_of(gallery)[1] == Verdicts(first.id, [a, c, b], [])


def test_a_tracklet_that_was_searched_for_shows_the_person(gallery: Gallery) -> None:
    like = search_for(gallery, store(gallery, 1, make_tracklets(1, 3)))
    a, b, c = (hit.tracklet_id for hit in like.hits)
    probe = QueriedProbe(None, None, None, tracklet_id=a)
    search = asked(gallery, replace(like, query=replace(like.query, probe=probe)))
    gallery.marks.set(search.id, b, MATCH)
    gallery.marks.set(search.id, c, NOT)
    assert verdicts_of(gallery) == [Verdicts(search.id, [a, b], [c])]


def test_marks_are_left_aside_where_nobody_wants_them(gallery: Gallery) -> None:
    search = search_for(gallery, store(gallery, 1, make_tracklets(1, 2)))
    gallery.marks.set(search.id, search.hits[0].tracklet_id, MATCH)
    settings, size = IndexSettings(), Preprocessing(64, 32)
    assert GallerySource(gallery, settings, Range(), size).verdicts()
    assert not GallerySource(gallery, settings, Range(), size, marks=False).verdicts()
