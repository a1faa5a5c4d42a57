"""Entrances for text: tables of boxes, watched paths, cursors, notes of an audit trail, addresses."""

import socket
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

import numpy as np

from indexer.errors import BadPattern, MalformedImport, NotOneTime, UnreadablePath
from indexer.importers.boxes import read_boxes
from indexer.local_time import in_zone, zone_of
from indexer.names import cannot_be_recorded, shown
from indexer.watching.pattern import Pattern
from service import cursors
from service.errors import BadWebhook, InvalidRequest
from service.webhooks.addresses import is_public, target_of
from tests.fuzz.entrances.base import Entrance, must
from tests.fuzz.mutate import Shake


class Boxes(Entrance):
    """Files of boxes: boxes that are finite numbers, or MalformedImport."""

    name = "boxes"
    watched = ("indexer.importers",)
    tokens = (
        b"frame",
        b"id",
        b"left",
        b"top",
        b"width",
        b"x2",
        b"y2",
        b"conf",
        b"class",
        b"1e308",
        b"-1",
        b"#",
    )
    share = 20
    chunk = 2000
    few = 100

    def seeds(self) -> list[bytes]:
        plain = "".join(f"{frame},{1 + frame % 2},{10 * frame},20,30,80,0.9,1,1\n" for frame in range(1, 8))
        named = "frame;track_id;x1;y1;x2;y2;score;class\n" + "3;1;1,5;2;40;90;0,8;person\n" * 3
        pandas = ",0,1,2,3,4,5\n0,1,1,10,10,30,80\n1,2,1,11,10,30,80\n"
        loose = "1 -1 10 20 30 80 0.5 -1 -1 -1\n2 -1 10 20 30 80 0.5 -1 -1 -1\n"
        utf16 = named.encode("utf-16")
        coco = plain.replace("1,1\n", "0\n")
        return [*(one.encode() for one in (plain, named, pandas, loose, coco, "\ufeff" + named)), utf16]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        return shake.text(data, other)

    def check(self, data: bytes) -> str:
        path = self.folder / "boxes.txt"
        path.write_bytes(data)
        try:
            found = read_boxes(path)
        except MalformedImport as error:
            must(len(shown(str(error))) < 100_000, "the reason is as long as the file")
            return "refused"
        finally:
            path.unlink()
        for frame, boxes in found.frames.items():
            must(frame >= 0, "a frame before the first")
            must(boxes.boxes.shape == (len(boxes.ids), 4) and len(boxes.scores) == len(boxes.ids), "shapes")
            must(bool(np.isfinite(boxes.boxes).all() and np.isfinite(boxes.scores).all()), "not finite")
            sides = boxes.boxes[:, 2:] - boxes.boxes[:, :2]
            must(bool((sides >= 0).all()), "a box turned inside out")
        return "tracked" if found.tracked else "untracked"


class Paths(Entrance):
    """Patterns and paths of watched folders: what the path says, or one of two errors; at once."""

    name = "watch-paths"
    watched = ("indexer.watching.pattern", "indexer.local_time", "indexer.names")
    tokens = (
        *(
            b"{camera}",
            b"{year}",
            b"{month}",
            b"{second}",
            b"{fraction}",
            b"{offset}",
            b"{epoch}",
            b"{*}",
            b"{**}",
        ),
        *(b"(?P<camera>", b")", b"+02:00", b"Z", b"\\d+", b"(", b"[^/]", b"{2,99999}", b"\n"),
    )
    seconds = 1.0
    PATTERNS: ClassVar = (
        ("{camera}/{year}-{month}-{day}_{hour}-{minute}-{second}.mp4", "gate/2026-03-01_12-30-00.mp4"),
        ("{**}/{camera}_{epoch}{*}.mkv", "a/b/gate_1772366400123x.mkv"),
        (
            "{camera}/{camera}-{year}{month}{day}T{hour}{minute}{second}.{fraction}{offset}.ts",
            "yard/yard-20260301T123000.25+01:00.ts",
        ),
        (
            r"(?P<camera>\w+)/(?P<year>\d{4})/(?P<month>\d\d)/(?P<day>\d\d)/(?P<hour>\d\d)(?P<minute>\d\d)\.mp4",
            "yard/2026/03/01/1230.mp4",
        ),
    )
    share = 110
    chunk = 5000
    few = 75

    def seeds(self) -> list[bytes]:
        return [f"{pattern}\0{path}".encode() for pattern, path in self.PATTERNS]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        pattern, _, path = data.partition(b"\0")
        # A pattern is the operator's, a name is anybody's: that is changed more often.
        if shake.random.random() < 0.3:
            pattern = shake.havoc(pattern, other.partition(b"\0")[0])
        else:
            path = shake.havoc(path, other.partition(b"\0")[2])
        return pattern + b"\0" + path.replace(b"\0", b"")

    def check(self, data: bytes) -> str:
        template, _, name = data.partition(b"\0")
        path = name.decode(errors="surrogateescape")[:4096]
        must(all(character.isprintable() or character.isspace() for character in shown(path)), "unprintable")
        cannot_be_recorded(Path("/media") / path.replace("\0", ""))
        try:
            said = Pattern(template.decode(errors="replace"), camera=True, start=True).read(path)
        except BadPattern:
            return "bad pattern"
        except UnreadablePath:
            return "unreadable"
        must(bool(said.camera and said.camera.strip()), "no camera")
        must(said.start is not None, "no start")
        assert said.start is not None
        with suppress(NotOneTime):
            in_zone(said.start, zone_of("Europe/Berlin")).isoformat()
        return "read"


class Cursors(Entrance):
    """Cursors: only those of the list itself are taken, and they lead to a place in it."""

    name = "cursors"
    watched = ("service.cursors",)
    share = 120
    chunk = 5000

    def seeds(self) -> list[bytes]:
        return [cursors.encode("list", offset).encode() for offset in (0, 1, 100, 2**32 - 1)]

    def check(self, data: bytes) -> str:
        text = data.decode(errors="surrogateescape")
        try:
            offset = cursors.decode("list", text)
        except InvalidRequest:
            return "refused"
        must(0 <= offset < 2**32, "an offset out of range")
        with suppress(InvalidRequest):
            cursors.decode("another", text)
            must(False, "taken for two lists")
        return "taken"


class Addresses(Entrance):
    """Addresses of webhooks: whatever the notation, the connection goes to a public address."""

    name = "webhook-urls"
    watched = ("service.webhooks.addresses",)
    tokens = (
        b"127.0.0.1",
        b"[::1]",
        b"@",
        b"localhost",
        b"0x7f000001",
        b"2130706433",
        b"::ffff:",
        b"%2e",
        b"#",
        b"?",
    )
    share = 150
    chunk = 5000

    def seeds(self) -> list[bytes]:
        return [
            b"https://example.org/hook?x=1",
            b"http://8.8.8.8:8080/",
            b"https://[2606:4700::1111]/a",
            b"https://Example.ORG.",
            b"http://[::ffff:127.0.0.1]/",
            b"http://[64:ff9b::7f00:1]:80/",
            b"http://user@example.org/",
        ]

    def check(self, data: bytes) -> str:
        try:
            found = target_of(data.decode(errors="replace"), (), _resolved)
        except BadWebhook:
            return "refused"
        must(is_public(found.address), "an address inside")
        must(0 < found.port < 65536, "no port")
        must(
            found.path.isascii() and found.path.isprintable() and " " not in found.path,
            "a path that ends a line",
        )
        must(
            found.host.isascii() and found.host.isprintable() and " " not in found.host,
            "a host that ends a line",
        )
        return "public"


def _resolved(host: str, port: int) -> list[str]:
    """A resolver without a network: addresses as the machine's would read them, all names public."""
    try:
        return [str(one[4][0]) for one in socket.getaddrinfo(host, port, flags=socket.AI_NUMERICHOST)]
    except (OSError, UnicodeError):
        return ["8.8.8.8"]
