"""Which files of a folder are recordings, and in which order."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from indexer.folders import find_recordings, natural


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def names(root: Path, *paths: Path) -> list[str]:
    return [str(path.relative_to(root)) for path in find_recordings(paths or [root]).recordings]


def test_what_systems_leave_behind_is_not_looked_at(tmp_path: Path) -> None:
    seen = tmp_path / "seg1.mp4"
    touch(seen, tmp_path / "._seg1.mp4", tmp_path / ".hidden.mp4")
    for folder in ("__MACOSX", "@eaDir", "$RECYCLE.BIN", ".Trash-1000", "System Volume Information"):
        touch(tmp_path / folder / "seg1.mp4")
    found = find_recordings([tmp_path])
    assert (found.recordings, found.passed_over) == ([seen], [])


def test_numbers_are_read_as_numbers(tmp_path: Path) -> None:
    order = [f"part{number}.mp4" for number in range(14)]
    touch(*(tmp_path / name for name in order))
    assert names(tmp_path) == order


def test_days_and_hours_in_folders_follow_each_other(tmp_path: Path) -> None:
    order = ["day 2/9.mkv", "day 2/10.mkv", "day 10/1.mkv"]
    touch(*(tmp_path / name for name in order))
    assert names(tmp_path) == order


def test_files_that_a_shell_has_sorted_are_put_into_order_and_others_are_left(tmp_path: Path) -> None:
    first, second, tenth = (tmp_path / f"part{number}.mp4" for number in (1, 2, 10))
    touch(first, second, tenth)
    globbed = find_recordings(sorted(tmp_path.glob("*.mp4")))
    assert (globbed.recordings, globbed.reordered) == ([first, second, tenth], True)
    chosen = find_recordings([second, first, tenth])
    assert (chosen.recordings, chosen.reordered) == ([second, first, tenth], False)


def test_files_of_recorders_are_found(tmp_path: Path) -> None:
    order = ["09.34.00[M][0@0][0].dav", "gate.264", "gate.265", "tape.MPG", "yard.mjpg"]
    touch(*(tmp_path / name for name in order))
    assert names(tmp_path) == order


def test_what_is_passed_over_is_listed_with_its_reason(tmp_path: Path) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "stick"
    touch(elsewhere / "c.mp4", folder / "a.mp4", folder / "notes.txt", folder / "b.mp4.part")
    os.symlink(elsewhere, folder / "linked")
    os.symlink(tmp_path / "nowhere.mp4", folder / "gone.mp4")
    found = find_recordings([folder])
    assert [path.name for path in found.recordings] == ["a.mp4"]
    assert {path.name: reason for path, reason in found.passed_over} == {
        "notes.txt": "not called like a recording",
        "b.mp4.part": "not called like a recording",
        "linked": "a linked folder",
        "gone.mp4": "a link to nothing",
    }


def test_a_recording_named_twice_is_taken_once(tmp_path: Path) -> None:
    touch(tmp_path / "a.mp4")
    assert names(tmp_path, tmp_path, tmp_path / "a.mp4") == ["a.mp4"]


@given(st.lists(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1)))
def test_any_names_can_be_sorted(parts: list[str]) -> None:
    ordered = sorted(map(Path, parts), key=natural)
    assert sorted(ordered, key=natural) == ordered
