"""What identifies an imported network: its files, and how they are used."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from models.imported.architecture import Architecture


def network_id(architecture: Architecture, preprocessing: Mapping[str, Any]) -> str:
    """SHA-256 of the files and of how they are used: the same file under other norms is another model."""
    described = {"architecture": architecture.model_dump(), "preprocessing": dict(preprocessing)}
    # Names of files do not change what they compute.
    others = sorted(digest for name, digest in architecture.files.items() if name != architecture.file)
    described["architecture"] |= {"file": architecture.files[architecture.file], "files": others}
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def digest_of(file: Path) -> str | None:
    """SHA-256 of a regular file; None if it is not there, or a link."""
    try:
        if file.is_symlink() or not file.is_file():
            return None
        with file.open("rb") as content:
            return hashlib.file_digest(content, "sha256").hexdigest()
    except OSError:
        return None
