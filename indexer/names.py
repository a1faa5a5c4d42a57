"""Names of files: how they are shown, and whether the gallery can record them."""

import unicodedata
from pathlib import Path
from typing import Final

LONGEST_PATH: Final = 4096


def shown(name: str | Path) -> str:
    r"""A name, or a text that holds some, as any terminal takes it: what does not print is escaped.

    That is control, format and unassigned characters, and the bytes of a file name that is not UTF-8, which
    Python reads as lone surrogates.

    >>> shown("Eingang_M\udcfcller.mp4"), shown("a\x1b[2J")
    ('Eingang_M\\xfcller.mp4', 'a\\x1b[2J')
    """
    return "".join(c if _prints(c) else _escaped(c) for c in str(name))


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


def _prints(character: str) -> bool:
    # Python calls all spaces but one unprintable; the ideographic space belongs to names.
    return character.isprintable() or unicodedata.category(character) == "Zs"


def _escaped(character: str) -> str:
    byte = ord(character) - 0xDC00
    return f"\\x{byte:02x}" if 0x80 <= byte <= 0xFF else character.encode("unicode_escape").decode("ascii")
