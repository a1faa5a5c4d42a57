"""Certificates as files apart from the gallery: they tell a restored one what was erased since its backup."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import AwareDatetime, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass as checked

from gallery.disk.files import make_private, write_durably
from gallery.erasure.certificates import FORMAT, Certificates, digest_of
from gallery.errors import InvalidInput
from gallery.records.erasure import ErasureKind


@checked(frozen=True)
class Named:
    """Something that went, by its id."""

    id: str


@checked(frozen=True)
class Stretch:
    """A stretch that went from a recording: its times, and in µs since the recording's first frame."""

    recording: str
    start: AwareDatetime
    end: AwareDatetime
    from_us: int | None = None
    to_us: int | None = None


@checked(frozen=True)
class Erased:
    """What went, as certificates list it.

    Attributes:
        tracklets_sha256: a digest of all tracklets that a recording had before, for each that lost some.
    """

    recordings: list[Named]
    tracklets: list[str]
    stretches: list[Stretch]
    photos: list[Named]
    searches: list[str]
    cases: list[str]
    tracklets_sha256: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class KeptCertificate:
    """A certificate that was read from a file.

    Attributes:
        id, at, sha256: of which erasure, when, and its digest.
        erased: what went.
        repeats: the erasure that it repeated, if it did.
    """

    id: str
    at: datetime
    sha256: str
    erased: Erased
    repeats: str | None = None

    @property
    def names(self) -> set[str]:
        """The ids under which a gallery may know it: its own, and that of the erasure that it repeats."""
        return {self.id} | ({self.repeats} if self.repeats else set())


_ERASED: Final = TypeAdapter(Erased)


def keep_certificates(certificates: Certificates, folder: Path) -> int:
    """Write the certificates that a folder lacks, one file each, the oldest first; returns how many.

    Raises:
        OSError: the folder cannot be made or written.
    """
    make_private(folder)
    there = {file.stem for file in folder.glob("*.json")}
    lacking = [one for one in certificates.ids() if one not in there]
    for one in map(certificates.get, lacking):
        content = {"certificate": one.certificate, "certificate_sha256": one.certificate_sha256}
        write_durably(folder / f"{one.id}.json", json.dumps(content, indent=1, sort_keys=True).encode())
    return len(lacking)


def read_certificates(places: Sequence[Path]) -> list[KeptCertificate]:
    """Read certificates from files, and from folders of them, the oldest first.

    Raises:
        InvalidInput: a place is not there, or a file holds no certificate, or another than its digest says.
    """
    found: dict[str, KeptCertificate] = {}
    for place in places:
        for file in sorted(place.glob("*.json")) if place.is_dir() else [place]:
            one = _read(file)
            found[one.id] = one
    return sorted(found.values(), key=lambda one: (one.at, one.id))


def _read(file: Path) -> KeptCertificate:
    try:
        content: Any = json.loads(file.read_bytes())
        certificate, sha256 = content["certificate"], content["certificate_sha256"]
        genuine = certificate["format"] == FORMAT and digest_of(certificate) == sha256
        at = datetime.fromisoformat(certificate["at"])
        erased = _ERASED.validate_python(certificate["erased"])
        target = certificate["target"]
        repeats = target["about"]["erasure"] if target["kind"] == ErasureKind.REPEATED else None
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, ValidationError) as error:
        raise InvalidInput(f"{file} holds no certificate of an erasure") from error
    if not genuine or at.tzinfo is None:
        raise InvalidInput(f"{file}: its certificate is not what its digest says, or of another format")
    return KeptCertificate(str(certificate["id"]), at, sha256, erased, repeats)
