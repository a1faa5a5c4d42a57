"""Names that terminals and databases cannot take."""

import os
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from indexer.names import cannot_be_recorded, shown


def test_bytes_that_are_not_utf_8_are_shown_escaped_and_cannot_be_recorded() -> None:
    path = Path(os.fsdecode(b"Eingang_M\xfcller.mp4"))
    assert shown(path) == r"Eingang_M\xfcller.mp4"
    assert "not UTF-8" in str(cannot_be_recorded(path))


def test_other_scripts_pass_and_control_characters_are_escaped() -> None:
    assert shown("北门 摄像头 01.mp4") == "北门 摄像头 01.mp4"
    assert shown("全角\u3000空格") == "全角\u3000空格"
    assert shown("a\nb\x1b[31m\u202e.mp4") == r"a\nb\x1b[31m\u202e.mp4"
    assert cannot_be_recorded(Path("北门.mp4")) is None


def test_a_path_that_no_column_takes_is_refused() -> None:
    assert "longer than" in str(cannot_be_recorded(Path("/" + "x/" * 3000)))


@given(st.binary().map(os.fsdecode) | st.text(st.characters(codec=None)))
def test_any_text_can_be_printed(text: str) -> None:
    shown(text).encode()
