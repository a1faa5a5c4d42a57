"""What people said of tracklets, as links that agree with each other and with what was seen."""

from hypothesis import given
from hypothesis import strategies as st

from models.adaptation.clusters import Groups
from models.adaptation.source import Verdicts
from models.adaptation.verdicts import links_of

NAMES = "abcdefgh"
PLACES = {name: place for place, name in enumerate(NAMES)}


def said(same: str, others: str = "", search: str = "one") -> Verdicts:
    return Verdicts(search, tuple(same), tuple(others))


def test_matches_of_a_search_are_one_person_and_its_others_are_not() -> None:
    found = links_of([said("abc", "de")], PLACES, [])
    assert found.together == [(0, 1), (0, 2)]
    assert found.apart == [(a, b) for a in (0, 1, 2) for b in (3, 4)]
    assert found.refused == []


def test_others_of_a_search_say_nothing_of_each_other() -> None:
    assert links_of([said("", "ab")], PLACES, []) == ([], [], [])
    assert links_of([said("a")], PLACES, []) == ([], [], [])


def test_who_is_not_learnt_from_is_passed_over() -> None:
    found = links_of([said("xaybz", "qc")], PLACES, [])
    assert (found.together, found.apart) == ([(0, 1)], [(0, 2), (1, 2)])


def test_who_was_seen_side_by_side_is_two_people_whatever_is_marked() -> None:
    found = links_of([said("abc", search="first")], PLACES, [(0, 1)])
    assert found.together == [(0, 2)]
    (refused,) = found.refused
    assert refused == "b, marked as the person of search first, was seen side by side with that person"


def test_a_chain_of_marks_cannot_join_who_was_seen_apart() -> None:
    found = links_of([said("ab"), said("bc"), said("cd", search="last")], PLACES, [(0, 3)])
    assert found.together == [(0, 1), (1, 2)]
    assert ["search last" in one and "side by side" in one for one in found.refused] == [True]


def test_marks_that_contradict_each_other_keep_apart() -> None:
    found = links_of([said("ab"), said("a", "b", search="other")], PLACES, [])
    assert (found.together, found.apart) == ([], [(0, 1)])
    assert found.refused == ["b, marked as the person of search one, is marked as another person elsewhere"]


TRACKLETS = st.text(NAMES + "xy", max_size=5)


@given(
    verdicts=st.lists(st.builds(said, TRACKLETS, TRACKLETS), max_size=8),
    seen=st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)).filter(lambda p: p[0] < p[1]), max_size=5),
)
def test_links_agree_with_each_other_and_with_what_was_seen(
    verdicts: list[Verdicts], seen: list[tuple[int, int]]
) -> None:
    found = links_of(verdicts, PLACES, seen)
    groups = Groups(len(PLACES))
    for one, other in found.together:
        assert groups.join(one, other)
    assert all(groups.root[a] != groups.root[b] for a, b in [*found.apart, *seen])
    asked = sum(max(0, len({n for n in v.same if n in PLACES}) - 1) for v in verdicts)
    assert len(found.together) + len(found.refused) == asked
