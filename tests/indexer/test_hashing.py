import hashlib
from pathlib import Path

import pytest

from indexer.errors import UnreadableRecording
from indexer.hashing import content_hash


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    content = b"frames" * 500_000
    first, second, other = (tmp_path / name for name in ("first", "second", "other"))
    first.write_bytes(content)
    second.write_bytes(content)
    other.write_bytes(content[:-1] + b"!")
    assert content_hash(first) == content_hash(second) == hashlib.sha256(content).hexdigest()
    assert content_hash(other) != content_hash(first)


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(UnreadableRecording, match="No such file"):
        content_hash(tmp_path / "nowhere")
    with pytest.raises(UnreadableRecording, match="directory"):
        content_hash(tmp_path)
