"""Names of files: how they are shown, and whether the gallery can record them."""

from pathlib import Path
from typing import Final

LONGEST_PATH: Final = 4096


def shown(name: str | Path) -> str:
    r"""A name as any terminal takes it: bytes that are not UTF-8 and control characters are escaped.

    >>> shown("Eingang_M\udcfcller.mp4")
    'Eingang_M\\xfcller.mp4'
    """
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def cannot_be_recorded(path: Path) -> str | None:
    """Why the gallery cannot record a file under its path, or None."""
    name = str(path.absolute())
    try:
        name.encode()
    except UnicodeEncodeError:
        return "its path is not UTF-8: rename it"
    if len(name) > LONGEST_PATH:
        return f"its path is longer than {LONGEST_PATH} characters"
    return None


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
