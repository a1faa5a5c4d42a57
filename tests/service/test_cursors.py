"""Cursors belong to one list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import cursors
from service.errors import InvalidRequest


@given(st.integers(0, 2**32 - 1))
def test_round_trip(offset: int) -> None:
    assert cursors.decode("list", cursors.encode("list", offset)) == offset


@given(st.text(max_size=40))
def test_refuses_anything_else(cursor: str) -> None:
    if cursor == cursors.encode("list", 7):
        return
    with pytest.raises(InvalidRequest):
        cursors.decode("list", cursor)


def test_refuses_cursors_of_another_list() -> None:
    with pytest.raises(InvalidRequest):
        cursors.decode("other", cursors.encode("list", 7))
