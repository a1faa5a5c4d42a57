import hashlib
import math
import os
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gallery.disk.files import write_durably
from gallery.errors import InvalidInput, NotFound, StorageFull
from gallery.gallery import Gallery
from gallery.investigation.probes import Probes
from gallery.records.notices import Notice, NoticeCode
from gallery.records.probes import FoundPerson, PersonQuality, ProbeInfo
from gallery.sql.database import Database
from gallery.sql.tables import Probe

IMAGE = b"\xff\xd8 not looked into \x00\xff\xd9"
NOTICES = [Notice(NoticeCode.TURNED, "It was turned.", warns=False)]
QUALITY = PersonQuality(60.0, 0.25, [], 3.5, [Notice(NoticeCode.SMALL, "Only 60 pixels high.")])
PERSONS = [FoundPerson((1.5, 2.0, 30.0, 60.0), 0.9, QUALITY)]


def add(gallery: Gallery, **changes: Any) -> ProbeInfo:
    values: dict[str, Any] = {
        "image": IMAGE,
        "media_type": "image/jpeg",
        "width": 64,
        "height": 128,
        "persons": PERSONS,
        "key_id": "k",
        "notices": NOTICES,
    }
    return gallery.probes.add(**{**values, **changes})


def files(gallery: Gallery) -> set[str]:
    directory = gallery.data_dir / "probes"
    return {path.name for path in directory.iterdir()} if directory.exists() else set()


def count(database: Database) -> int:
    with database.read() as session:
        return session.scalars(select(func.count()).select_from(Probe)).one()


def age(path: Path, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path, (then, then))


def test_a_probe_can_be_read_again(gallery: Gallery) -> None:
    probe = add(gallery)
    assert gallery.probes.get(probe.id) == probe
    assert (probe.key_id, probe.media_type, probe.width, probe.height) == ("k", "image/jpeg", 64, 128)
    assert probe.image_hash == hashlib.sha256(IMAGE).hexdigest()
    assert (probe.persons, probe.notices) == (PERSONS, NOTICES)
    assert Path(probe.path).read_bytes() == IMAGE
    assert Path(probe.path).parent == gallery.data_dir / "probes"


def test_the_same_image_twice_is_two_probes(gallery: Gallery) -> None:
    first, second = add(gallery), add(gallery)
    gallery.probes.delete(first.id)
    assert Path(gallery.probes.get(second.id).path).read_bytes() == IMAGE


def test_delete_removes_row_and_image(gallery: Gallery) -> None:
    probe = add(gallery)
    gallery.probes.delete(probe.id)
    assert (files(gallery), count(gallery._database)) == (set(), 0)
    with pytest.raises(NotFound):
        gallery.probes.get(probe.id)
    with pytest.raises(NotFound):
        gallery.probes.delete(probe.id)


def test_its_events_are_written_with_it_or_not_at_all(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    probe = add(gallery)
    add(gallery, by_operator=True)
    gallery.probes.delete(probe.id, key_id="k")
    told = [(one.action, one.key_id) for one in gallery.audit.events()]
    assert told == [("probe.delete", "k"), ("probe.add", None), ("probe.add", "k")]
    assert gallery.audit.events()[-1].detail == {"image_hash": probe.image_hash, "persons": 1}

    def full(*_: object, **__: object) -> None:
        raise StorageFull("the disk is full")

    kept = add(gallery)
    monkeypatch.setattr("gallery.investigation.probes.add_event", full)
    for change in (lambda: add(gallery), lambda: gallery.probes.delete(kept.id)):
        with pytest.raises(StorageFull):
            change()
    assert gallery.probes.get(kept.id) == kept
    assert count(gallery._database) == 2


def test_delete_works_when_the_image_is_gone(gallery: Gallery) -> None:
    probe = add(gallery)
    Path(probe.path).unlink()
    gallery.probes.delete(probe.id)
    assert count(gallery._database) == 0


def test_the_image_is_on_the_disk_before_its_row(gallery: Gallery, monkeypatch: pytest.MonkeyPatch) -> None:
    rows_when_written = []

    def observed(path: Path, content: bytes) -> None:
        write_durably(path, content)
        rows_when_written.append((path.read_bytes(), count(gallery._database)))

    monkeypatch.setattr("gallery.investigation.probes.write_durably", observed)
    add(gallery)
    assert rows_when_written == [(IMAGE, 0)]


class TestSweep:
    def test_a_crash_before_the_row_leaves_an_orphan_for_the_sweep(
        self, gallery: Gallery, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kept = add(gallery)

        def die() -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(gallery._database, "write", die)
            with pytest.raises(KeyboardInterrupt):
                add(gallery)
        assert len(files(gallery)) == 2
        assert gallery.probes.sweep() == 0  # young: its row may be on the way
        assert gallery.probes.sweep(grace_seconds=-1) == 1
        assert files(gallery) == {Path(kept.path).name}

    def test_old_images_with_rows_stay(self, gallery: Gallery) -> None:
        probe = add(gallery)
        age(Path(probe.path), 1e6)
        assert gallery.probes.sweep() == 0
        assert Path(gallery.probes.get(probe.id).path).exists()

    def test_what_was_half_written_goes(self, gallery: Gallery) -> None:
        probe = add(gallery)
        part = Path(probe.path + ".0123.part")
        part.write_bytes(b"half")
        assert gallery.probes.sweep() == 0
        age(part, 1e6)
        assert gallery.probes.sweep() == 1
        assert files(gallery) == {Path(probe.path).name}

    def test_without_a_directory(self, gallery: Gallery) -> None:
        assert gallery.probes.sweep() == 0

    def test_directories_are_left_alone(self, gallery: Gallery) -> None:
        add(gallery)
        (gallery.data_dir / "probes" / "lost+found").mkdir()
        assert gallery.probes.sweep(grace_seconds=-1) == 0


def test_values_that_cannot_be_stored(gallery: Gallery, subtests: pytest.Subtests) -> None:
    hostile: list[dict[str, Any]] = [
        {"image": b""},
        {"media_type": "text/html"},
        {"media_type": "image/svg+xml"},
        {"media_type": "../../x"},
        {"media_type": "image/jpeg\0"},
        {"width": 0},
        {"height": -1},
        {"width": 2**40},
        {"persons": {}},
        {"persons": [{"score": math.nan}]},
        {"persons": [{"a": "\0"}]},
        {"key_id": "x" * 33},
    ]
    for values in hostile:
        with subtests.test(values=values), pytest.raises(InvalidInput):
            add(gallery, **values)
    assert (files(gallery), count(gallery._database)) == (set(), 0)


def test_ids_of_nothing(gallery: Gallery, subtests: pytest.Subtests) -> None:
    add(gallery)
    for probe_id in ["", "f" * 32, "\0" * 32, "../gallery", "../../etc/passwd", "\ud800", "x" * 10_000]:
        with subtests.test(probe_id=probe_id):
            with pytest.raises(NotFound):
                gallery.probes.get(probe_id)
            with pytest.raises(NotFound):
                gallery.probes.delete(probe_id)
    assert len(files(gallery)) == 1


def test_a_disk_that_fills_up_leaves_nothing_behind(
    gallery: Gallery, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store = Probes(gallery._database, tmp_path / "full")
    with pytest.raises(OSError, match="No space"):
        store.add(IMAGE, "image/jpeg", 64, 128, PERSONS)
    assert list((tmp_path / "full" / "probes").iterdir()) == []
    assert count(gallery._database) == 0


def test_expires_old_ones(gallery: Gallery) -> None:
    old = [add(gallery) for _ in range(3)]
    new = add(gallery, key_id=None)
    assert (gallery.probes.count("k"), gallery.probes.count(None)) == (3, 1)

    assert gallery.probes.expire(new.created_at) == 3

    assert (gallery.probes.count("k"), gallery.probes.count(None)) == (0, 1)
    assert files(gallery) == {Path(new.path).name}
    events = gallery.audit.events(action="probe.expire")
    assert {event.subject for event in events} == {probe.id for probe in old}
    assert gallery.probes.expire(new.created_at) == 0
