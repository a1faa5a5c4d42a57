"""Entrances for what was noted of the audit trail: signed anchors, exported trails."""

import json
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from gallery.errors import InvalidInput
from gallery.records.access import Anchor, EventInfo
from gallery.signing import check as check_anchor
from gallery.signing import public_key, sign
from gallery.trail import START, digest_of
from sightline.failures import CommandError
from sightline.trail_files import verify_file
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake


class Anchors(Entrance):
    """Signed anchors: one that was signed with the key is what was signed; all others are InvalidInput."""

    name = "anchors"
    watched = ("gallery.signing",)
    share = 90
    chunk = 5000

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        key = folder / "keys" / "anchor.pem"
        self._trusted = public_key(key)
        self._anchor = Anchor(7, "ab" * 32)
        self._signed = sign(self._anchor, datetime(2026, 3, 1, tzinfo=UTC), key)

    def seeds(self) -> list[bytes]:
        return [self._signed.encode()]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.json(data, other)

    def check(self, data: bytes) -> str:
        text = data.decode(errors="replace")
        try:
            found = check_anchor(text, self._trusted)
        except InvalidInput:
            return "refused"
        must(found == self._anchor, "another anchor than was signed")
        return "signed"


class Trails(Entrance):
    """Exported audit trails: as recorded, broken at an event, or refused; never as recorded when changed."""

    name = "trails"
    watched = ("sightline.audit", "gallery.sql.chain", "gallery.catalogue.audit")
    share = 10
    chunk = 2500
    few = 100

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._whole = _trail()

    def seeds(self) -> list[bytes]:
        return [self._whole]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        lines = data.split(b"\n")
        if shake.random.random() < 0.5:
            at = shake.random.randrange(len(lines))
            lines[at] = shake.json(lines[at], shake.random.choice(lines))
            return b"\n".join(lines)
        return shake.text(data, other)

    def check(self, data: bytes) -> str:
        path = self.folder / "trail.jsonl"
        path.write_bytes(data)
        try:
            report = verify_file(path, [])
        except CommandError:
            return "refused"
        finally:
            path.unlink()
        if report.broken_at is not None:
            return "broken"
        documents = [json.loads(line) for line in data.decode().splitlines()]
        originals = [json.loads(line) for line in self._whole.decode().splitlines()]
        if len(documents) == len(originals) and documents[0] == originals[0]:
            must(_same(documents, originals), "a changed trail counts as it was recorded")
        return "whole"


def _same(one: list[object], other: list[object]) -> bool:
    """Whether events say the same; times may be written otherwise, and 1 is 1.0."""
    return _plain(one) == _plain(other)


def _plain(documents: list[object]) -> list[object]:
    found: list[object] = []
    for one in documents:
        assert isinstance(one, dict)
        at = one.get("at")
        found.append(
            one
            | ({"at": datetime.fromisoformat(at).astimezone(UTC).isoformat()} if isinstance(at, str) else {})
        )
    return found


def _trail() -> bytes:
    """A trail as it is exported."""
    at, last = datetime(2026, 3, 1, 12, tzinfo=UTC), START
    lines: list[dict[str, object]] = [
        {"kind": "sightline audit trail", "format": 1, "after": last.event, "digest": last.digest}
    ]
    for number in range(1, 7):
        event = EventInfo(
            id=number,
            at=at,
            key_id=None if number % 2 else "k" * 32,
            action="search",
            subject=f"s{number}",
            detail={"n": number, "cameras": ["gate", "höf"], "score": 0.25},
            digest="",
        )
        digest = digest_of(last.digest, number, event)
        lines.append({**asdict(event), "at": at.isoformat(), "digest": digest})
        last = Anchor(number, digest)
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
