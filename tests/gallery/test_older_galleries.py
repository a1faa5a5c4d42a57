"""A gallery that an earlier version wrote opens, migrates and answers the same.

`schema_0001` was written by the program of schema 0001: two cameras, five videos of which one is erased from
a segment that it shares, a second model, a probe, a search, a key and two jobs; `answers.json` is what that
program answered. Only the database is kept as text, a dump of SQLite's.
"""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Boolean, DateTime, MetaData, create_engine, insert, text
from sqlalchemy.dialects.postgresql import JSONB

from gallery.errors import SchemaMismatch
from gallery.gallery import Gallery
from gallery.records.probes import FoundPerson, PersonQuality
from gallery.records.searching import Filters, RankBy
from gallery.settings import GallerySettings
from gallery.sql import schema
from tests.gallery.making import MODEL, START, make_tracklets, store
from tests.postgres import PostgresServer

OLD = Path(__file__).parent / "schema_0001"


def as_sqlite(file: Path) -> None:
    with sqlite3.connect(file) as connection:
        connection.executescript((OLD / "gallery.sql").read_text())
    connection.close()


def as_postgresql(url: str, file: Path) -> None:
    """Put the rows of a SQLite file into a server's database of the same schema."""
    command.upgrade(schema.alembic_config(url), "0001")
    source, engine = sqlite3.connect(file), create_engine(url)
    source.row_factory = sqlite3.Row
    tables = MetaData()
    tables.reflect(engine)
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM gallery_state"))
        for table in tables.sorted_tables:
            rows = [dict(row) for row in source.execute(f'SELECT * FROM "{table.name}"')]
            if table.name == "alembic_version" or not rows:
                continue
            kinds = {column.name: column.type for column in table.columns}
            connection.execute(
                insert(table), [{k: converted(v, kinds[k]) for k, v in row.items()} for row in rows]
            )
            if "id" in kinds and table.name in {"camera", "audit_event"}:
                last = f"(SELECT max(id) FROM {table.name})"
                connection.execute(
                    text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), {last})")
                )
    engine.dispose()
    source.close()


def converted(value: Any, kind: object) -> Any:
    """A value of SQLite as PostgreSQL's driver takes it."""
    if value is None:
        return None
    if isinstance(kind, DateTime):
        return datetime.fromisoformat(value).replace(tzinfo=UTC)
    if isinstance(kind, JSONB):
        return json.loads(value)
    return bool(value) if isinstance(kind, Boolean) else value


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[GallerySettings]:
    """The old gallery as it was left."""
    shutil.copytree(OLD, tmp_path / "old", ignore=shutil.ignore_patterns("answers.json", "gallery.sql"))
    file = tmp_path / "old" / "gallery.sqlite3"
    as_sqlite(file)
    if request.param == "sqlite":
        yield GallerySettings(data_dir=tmp_path / "old", database_url=f"sqlite:///{file}")
        return
    server: PostgresServer = request.getfixturevalue("postgres_server")
    url = server.create("older")
    as_postgresql(url, file)
    file.unlink()
    yield GallerySettings(data_dir=tmp_path / "old", database_url=url)
    server.drop("older")


def filters(asked: dict[str, Any]) -> Filters:
    start, end = (None if asked[k] is None else START + timedelta(minutes=asked[k]) for k in ("start", "end"))
    cameras = None if asked["cameras"] is None else frozenset(asked["cameras"])
    return Filters(camera_ids=cameras, start=start, end=end)


def check_answers(gallery: Gallery) -> None:
    query = make_tracklets(99, 1)[0].feature
    for asked in json.loads((OLD / "answers.json").read_text()):
        ranking = gallery.snapshot(asked["model"]).search(
            query, limit=99, filters=filters(asked), by=RankBy.COSINE
        )
        assert ranking.compared == asked["compared"]
        assert [
            [hit.tracklet_id, round(hit.score, 6), hit.clip_number, round(hit.clip_score, 6)]
            for hit in ranking.hits
        ] == asked["hits"]
        found = gallery.catalogue.coverage(filters(asked), asked["model"]).cameras
        assert [
            [c.name, c.videos, c.seconds_indexed, c.tracklets, c.videos_without_model] for c in found
        ] == asked["coverage"]


def test_it_answers_the_same(settings: GallerySettings) -> None:
    with pytest.raises(SchemaMismatch, match="sightline migrate"):
        Gallery.open(settings)
    with Gallery.open(settings, create=True) as gallery:
        check_answers(gallery)
        trail = gallery.audit.verify()
        assert (trail.events > 0, trail.broken_at) == (True, None)
        report = gallery.verify()
        assert (report.problems, report.unsealed) == ((), 4)
        gallery.compact()
        check_answers(gallery)
    command.check(schema.alembic_config(settings.resolved_database_url))


def test_what_it_recorded_is_read(settings: GallerySettings) -> None:
    with Gallery.open(settings, create=True) as gallery:
        videos = gallery.catalogue.videos()
        assert [video.stamp for video in videos] == [None] * 4
        assert {video.report.detector for video in videos} == {"nanodet-g-416"}
        assert videos[0].report.reasons == {"too_short": 2}
        assert "run backwards" in videos[0].report.warnings[0]
        gate = gallery.catalogue.camera_named("gate")
        assert (gate.detector_input, gate.pixel_aspect) == (640, None)
        (search_id,) = [event.subject for event in gallery.audit.events(action="search")]
        search = gallery.searches.get(str(search_id))
        assert (search.model_name, search.model_warning, search.warnings) == (
            "test",
            "experimental",
            ["blurred"],
        )
        assert search.coverage["tracklets_compared"] == 16
        assert (search.query.filters.cameras, search.query.filters.start) == (["gate"], START)
        assert len(search.hits) == 3
        probe = gallery.probes.get(str(search.query.probe.id))
        assert probe.persons == [
            FoundPerson((1.5, 2.0, 30.0, 60.0), 0.9, PersonQuality(60.0, 0.2, ["blurred"]))
        ]
        assert sorted(job.state for job in gallery.jobs.list()) == ["failed", "queued"]
        assert [key.name for key in gallery.keys.list()] == ["reader"]


def test_it_goes_on(settings: GallerySettings) -> None:
    with Gallery.open(settings, create=True) as gallery:
        video = gallery.catalogue.videos()[0]
        gallery.correct_video(video.id, start_time=START + timedelta(days=1))
        store(gallery, "new", make_tracklets(50, 2))
        gallery.erase_video(gallery.catalogue.videos()[-1].id)
        assert gallery.verify().problems == ()
        assert gallery.snapshot(MODEL.id).tracklet_count >= 14 - 4


def test_it_can_go_back_to_the_earlier_version(settings: GallerySettings) -> None:
    """Down and up again loses nothing that the earlier version knew."""
    schema.upgrade(settings.resolved_database_url)
    command.downgrade(schema.alembic_config(settings.resolved_database_url), "0001")
    with Gallery.open(settings, create=True) as gallery:
        check_answers(gallery)


def test_searches_of_before_a_video_was_indexed_saw_none_of_it(settings: GallerySettings) -> None:
    """What the earlier version did not record is taken from the times; the last video came later."""
    engine = create_engine(settings.resolved_database_url)
    with engine.begin() as connection:
        last = connection.execute(text("SELECT max(id) FROM video")).scalar_one()
        connection.execute(
            text("UPDATE video SET indexed_at = :later WHERE id = :last"),
            {"last": last, "later": "2099-01-01 00:00:00+00:00"[: 26 if engine.name != "sqlite" else 19]},
        )
    engine.dispose()
    with Gallery.open(settings, create=True) as gallery:
        (event,) = gallery.audit.events(action="search")
        search = gallery.searches.get(str(event.subject))
        firsts = [f"{video.id}-0" for video in gallery.catalogue.videos() if video.tracklet_count]
        there = gallery.still_there(search, firsts)
        assert there.anew == {f"{last}-0"}
        assert sorted(there.tracklets) == firsts[:-1]
        hits = [hit.tracklet_id for hit in search.hits if not hit.tracklet_id.startswith(last)]
        assert gallery.still_there(search, hits).anew == frozenset()


MIGRATIONS = Path(__file__).parents[2] / "migrations" / "versions"
REVISIONS = sorted(file.name[:4] for file in MIGRATIONS.glob("[0-9]*.py"))
# All of them in the long run; a few always, and those that a colleague's machine may be at today.
ALWAYS = {*REVISIONS[3::6], *REVISIONS[-2:]}


@pytest.mark.parametrize(
    "revision",
    [pytest.param(one, marks=() if one in ALWAYS else pytest.mark.long) for one in REVISIONS],
)
def test_a_gallery_of_every_released_schema_opens(revision: str, tmp_path: Path) -> None:
    """The old gallery with what it recorded, brought to a schema of between, and from there to this one."""
    shutil.copytree(OLD, tmp_path / "old", ignore=shutil.ignore_patterns("answers.json", "gallery.sql"))
    file = tmp_path / "old" / "gallery.sqlite3"
    as_sqlite(file)
    settings = GallerySettings(data_dir=tmp_path / "old", database_url=f"sqlite:///{file}")
    command.upgrade(schema.alembic_config(settings.resolved_database_url), revision)
    with Gallery.open(settings, create=True) as gallery:
        check_answers(gallery)
        assert gallery.verify().problems == ()
        store(gallery, "new", make_tracklets(50, 2))
        assert gallery.verify().problems == ()
