"""Data sets by name."""

from pathlib import Path

import pytest

from models.datasets import READERS, load
from models.errors import BadDataset


def test_an_unknown_name_lists_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(BadDataset, match="no data set 'marz'") as caught:
        load("marz", tmp_path)

    assert all(name in str(caught.value) for name in READERS)


@pytest.mark.parametrize("name", READERS)
def test_a_root_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadDataset, match=r"gone is not a folder"):
        load(name, tmp_path / "gone")


@pytest.mark.parametrize("name", READERS)
def test_an_empty_folder_is_answered_with_the_layout(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadDataset) as caught:
        load(name, tmp_path)

    assert str(tmp_path) in str(caught.value)
    assert "it must look like this\nROOT/\n" in str(caught.value)
