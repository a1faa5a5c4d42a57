"""Pictures of every kind; damaged ones are in tests/models/training/test_protocols.py."""

from pathlib import Path

import pytest
from PIL import Image

from models.datasets.frames import read_frame


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1", "I;16"])
def test_pictures_of_every_kind_become_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "picture.tif"
    Image.new(mode, (3, 5)).save(path)
    assert read_frame(path).shape == (5, 3, 3)
