"""Evidence packages of searches over HTTP: what is in them, what is not, and that any change shows."""

import csv
import hashlib
import io
import json
import random
import re
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings, ItemKind, Scope, Verdict
from service.access import slow_bodies
from service.app import create_app
from service.evidence import archive as archive_module
from service.evidence import verifier
from service.evidence.archive import Archive as Bytes
from service.evidence.archive import Part
from tests.service.conftest import NOON, Archive, make_archive, settings_for, upload
from tests.service.evidence.test_verifier import refusal
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.test_erasures import erase
from tests.service.videos import GREEN, RED, read_video, scene

HOSTILE = '<script>alert(1)</script>"&'


@dataclass
class Made:
    """A service with a marked search, and its package."""

    client: TestClient
    archive: Archive
    search: dict[str, Any]
    package: bytes

    def file(self, name: str) -> bytes:
        with zipfile.ZipFile(io.BytesIO(self.package)) as archive:
            return archive.read(name)

    def json(self, name: str) -> Any:
        return json.loads(self.file(name))


@pytest.fixture(scope="module")
def made(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Made]:
    """Red was searched, with clips of the first two hits; the gate's match is marked, so is green's not."""
    root = tmp_path_factory.mktemp("evidence")
    (root / "gallery").mkdir()
    shutil.copyfile(sqlite_template, root / "gallery" / "gallery.sqlite3")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        archive = make_archive(gallery, root / "media")
        gallery.correct_video(archive.videos["yard"].id, file_name=f"=1+1;=2{HOSTILE}.mp4")
        app = create_app(
            settings_for(archive), gallery=gallery, embedder=ColourEmbedder(), detector=ContrastDetector()
        )
        key, secret = gallery.keys.create(HOSTILE)
        with TestClient(app, headers={"X-API-Key": secret}, raise_server_exceptions=False) as client:
            probe = upload(client, scene((RED, 100, 60)))
            search = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]}).json()
            for tracklet, verdict in ((("gate", RED), Verdict.MATCH), (("gate", GREEN), Verdict.NOT)):
                gallery.marks.set(search["id"], archive.tracklets[tracklet], verdict, key_id=key.id)
            answer = client.get(f"/v1/searches/{search['id']}/evidence", params={"hits": 2})
            assert answer.status_code == 200, answer.text
            yield Made(client, archive, search, answer.content)


def test_it_holds_what_was_asked_found_and_judged(made: Made) -> None:
    found = verifier.verify(io.BytesIO(made.package)).manifest
    search = f"searches/{made.search['id']}"
    answer = made.json(f"{search}/answer.json")
    assert [hit["tracklet_id"] for hit in answer["hits"]] == [h["tracklet_id"] for h in made.search["hits"]]
    assert answer["coverage"]["tracklets_compared"] == 4
    assert {hit["tracklet_id"]: hit["mark"]["verdict"] for hit in answer["hits"] if hit["mark"]} == {
        made.archive.tracklets["gate", RED]: "match",
        made.archive.tracklets["gate", GREEN]: "not",
    }
    changes = made.json(f"{search}/marks.json")
    assert [change["verdict"] for change in changes] == ["match", "not"]
    assert all(change["key_id"] and change["created_at"] for change in changes)
    assert made.json(f"models/{'c' * 16}.json")["card"] == {"name": "colour-histogram"}
    probe = made.search["probe"]["id"]
    assert (
        hashlib.sha256(made.file(f"probes/{probe}.png")).hexdigest()
        == (made.json(f"probes/{probe}.json")["image_hash"])
    )
    actions = [event["action"] for event in made.json("audit.json")]
    assert {"search", "mark.set", "probe.add", "video.edit", "evidence.begin"} <= set(actions)
    assert {one["sha256"] for one in found["recordings"]} == {
        hashlib.sha256(Path(video.path).read_bytes()).hexdigest() for video in made.archive.videos.values()
    }
    assert all(one["compared"] for one in found["recordings"])
    assert found["left_out"] == []
    assert b"verify.py" not in made.file("verify.py")[:20]


def test_clips_are_of_the_first_hits_and_the_marked_ones(made: Made, tmp_path: Path) -> None:
    """The copy decodes to the recording's own pictures; the preview has the box drawn."""
    with zipfile.ZipFile(io.BytesIO(made.package)) as archive:
        names = archive.namelist()
    shown = {name.split("/")[1] for name in names if name.endswith("preview.mp4")}
    first = {hit["tracklet_id"] for hit in made.search["hits"][:2]}
    assert shown == first | {made.archive.tracklets["gate", RED], made.archive.tracklets["gate", GREEN]}
    red = f"tracklets/{made.archive.tracklets['gate', RED]}"
    assert made.json(f"{red}/boxes.json")["boxes"][0][:5] == [0.5, 40, 10, 40, 100]
    assert made.file(f"{red}/strip.jpg").startswith(b"\xff\xd8")
    pictures = {}
    for name in ("original", "preview"):
        (tmp_path / name).write_bytes(made.file(f"{red}/{name}.mp4"))
        pictures[name] = [picture for _, picture in read_video(tmp_path / name)]
    recorded = [picture for _, picture in read_video(Path(made.archive.videos["gate"].path))]
    assert all(np.array_equal(*pair) for pair in zip(recorded, pictures["original"], strict=True))
    assert len(pictures["preview"]) == 50


def test_the_report_reads_without_a_network_and_nothing_in_it_is_markup(made: Made) -> None:
    report = made.file("report.html").decode()
    with zipfile.ZipFile(io.BytesIO(made.package)) as archive:
        names = set(archive.namelist())
    seen: list[tuple[str, dict[str, str | None]]] = []

    class Tags(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.append((tag, dict(attrs)))

    Tags().feed(report)
    assert "script" not in {tag for tag, _ in seen}
    assert not any(name.startswith("on") for _, attributes in seen for name in attributes)
    links = {attributes.get(name) for _, attributes in seen for name in ("src", "href")} - {None}
    assert links <= names
    assert len(links) > 10
    assert HOSTILE not in report
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&amp;" in report
    assert "2026-03-01 13:00:00+01:00 to 2026-03-01 13:00:04+01:00" in report  # Berlin
    assert "2026-03-01 13:00:00+00:00" in report  # the yard, an hour later
    clip = r"%s\.\w+</a>\s+recorded 2026-03-01 \d\d:\d\d:\d\d[+]0\d:00 to 2026-03-01"
    for name in ("preview", "original"):  # which need not begin with their tracklet
        assert re.search(clip % name, report), name
    assert "shows the person" in report
    assert "no probability" in report


def test_hits_are_rows_that_compute_nothing(made: Made) -> None:
    packed = made.file(f"searches/{made.search['id']}/hits.csv").decode()
    assert made.client.get(f"/v1/searches/{made.search['id']}/hits.csv").text == packed
    rows = list(csv.DictReader(io.StringIO(packed)))
    assert [row["rank"] for row in rows] == ["1", "2", "3", "4"]
    assert {row["mark"] for row in rows} == {"match", "not", ""}
    assert {row["start"] for row in rows if row["camera"] == "gate"} == {"2026-03-01T13:00:00.500000+01:00"}
    assert f"'=1+1;'=2{HOSTILE}.mp4" in {row["recording"] for row in rows}


def test_random_changes_are_refused_by_both_verifiers(made: Made) -> None:
    shake = random.Random(3)
    for _ in range(40):
        place = shake.randrange(len(made.package))
        flipped = bytearray(made.package)
        flipped[place] ^= 1 << shake.randrange(8)
        refusal(bytes(flipped))
        refusal(made.package[:place] + made.package[place + 1 :])
        other = shake.randrange(len(made.package))
        if made.package[place] != made.package[other]:
            swapped = bytearray(made.package)
            swapped[place], swapped[other] = swapped[other], swapped[place]
            refusal(bytes(swapped))


def test_the_same_search_gives_the_same_bytes_but_for_the_times_stated(made: Made) -> None:
    """Only audit trail, report and manifest say when and how often packages were made."""
    again = made.client.get(f"/v1/searches/{made.search['id']}/evidence", params={"hits": 2}).content
    files = {}
    for number, package in enumerate((made.package, again)):
        with zipfile.ZipFile(io.BytesIO(package)) as archive:
            files[number] = {name: archive.read(name) for name in archive.namelist()}
    assert list(files[0]) == list(files[1])
    different = {name for name in files[0] if files[0][name] != files[1][name]}
    assert different == {"audit.json", "report.html", "manifest.json", "manifest.sha256"}
    trail = [json.loads(one["audit.json"]) for one in files.values()]
    assert trail[1][: len(trail[0])] == trail[0]
    noted = made.client.get(f"/v1/searches/{made.search['id']}/evidence/made").json()["items"]
    assert [one["manifest_sha256"] for one in noted[:2]] == [
        verifier.verify(io.BytesIO(package)).digest for package in (again, made.package)
    ]
    assert not list((made.archive.gallery.data_dir / "cache").rglob("*.part.mp4"))


def test_nothing_is_made_for_head_for_others_or_of_what_is_not_there(made: Made) -> None:
    url = f"/v1/searches/{made.search['id']}"
    before = len(made.archive.gallery.audit.events(action="evidence.begin", limit=1000))
    head = made.client.head(f"{url}/evidence")
    assert (head.status_code, head.headers["content-type"], head.content) == (200, "application/zip", b"")
    other = TestClient(made.client.app, headers={"X-API-Key": made.archive.gallery.keys.create("other")[1]})
    for path in ("evidence", "evidence/made", "hits.csv"):
        assert other.get(f"{url}/{path}").status_code == 404
        assert made.client.get(f"/v1/searches/{'0' * 32}/{path}").status_code == 404
    for hits in ("-1", "1001", "x"):
        assert made.client.get(f"{url}/evidence", params={"hits": hits}).status_code == 422
    assert len(made.archive.gallery.audit.events(action="evidence.begin", limit=1000)) == before


def searched(client: TestClient) -> str:
    probe = upload(client, scene((RED, 100, 60)))
    answer = client.post("/v1/searches", json={"probes": [{"probe_id": probe["id"]}]}).json()
    return f"/v1/searches/{answer['id']}"


def opened(client: TestClient, url: str) -> tuple[dict[str, Any], zipfile.ZipFile]:
    content = client.get(f"{url}/evidence", params={"hits": 4}).content
    return verifier.verify(io.BytesIO(content)).manifest, zipfile.ZipFile(io.BytesIO(content))


def test_recordings_that_changed_are_named_and_none_of_them_is_packed(
    client: TestClient, archive: Archive
) -> None:
    """One is replaced by another, and one decays without a sign in its time stamps; a photo is gone too."""
    import os

    url = searched(client)
    gate, yard = (Path(archive.videos[name].path) for name in ("gate", "yard"))
    gate.unlink()
    data = bytearray(yard.read_bytes())
    data[len(data) // 2] ^= 1
    status = yard.stat()
    with yard.open("r+b") as file:
        file.write(data)
    os.utime(yard, ns=(status.st_atime_ns, status.st_mtime_ns))
    client.delete(f"/v1/probes/{client.get(url).json()['probe']['id']}")

    manifest, package = opened(client, url)

    assert [name for name in package.namelist() if name.endswith((".mp4", ".mkv", ".png"))] == []
    assert len([name for name in package.namelist() if name.endswith("strip.jpg")]) == 4
    reasons = {one["of"]: one["reason"] for one in manifest["left_out"]}
    assert "no longer where it was" in reasons[f"tracklet {archive.tracklets['gate', RED]} (gate.mp4)"]
    assert "changed since" in reasons[f"tracklet {archive.tracklets['yard', RED]} (yard.mp4)"]
    assert "deleted" in next(reason for of, reason in reasons.items() if of.startswith("probe"))
    assert {one["compared"] for one in manifest["recordings"]} == {False}
    report = package.read("report.html").decode()
    assert len(re.findall("no longer where it was", report)) >= 2
    (made,) = client.get(f"{url}/evidence/made").json()["items"]
    assert made["left_out"] == len(made["first_left_out"]) == len(manifest["left_out"])
    assert made["first_left_out"] == manifest["left_out"]


def test_decay_that_no_time_stamp_shows_is_found(client: TestClient, archive: Archive) -> None:
    """The gallery holds the SHA-256 of another content than the disk; nothing else tells."""
    from sqlalchemy import update

    from gallery.sql.tables import Video

    url = searched(client)
    with archive.gallery._database.write() as session:
        session.execute(update(Video).values(content_hash=Video.id + Video.id))

    manifest, package = opened(client, url)

    assert [name for name in package.namelist() if name.endswith(".mp4")] == []
    assert {one["reason"] for one in manifest["left_out"]} == {
        "The file of the recording is damaged or another one: its SHA-256 differs."
    }


def test_what_was_erased_stays_erased(client: TestClient, archive: Archive) -> None:
    url = searched(client)
    archive.gallery.erase_video(archive.videos["gate"].id)

    manifest, package = opened(client, url)

    assert {"what": "2 hits", "of": f"search {url[-32:]}", "reason": "they were erased"} in manifest[
        "left_out"
    ]
    assert {one["camera"] for one in manifest["recordings"]} == {"yard"}
    assert archive.videos["gate"].content_hash not in json.dumps(manifest)
    assert archive.tracklets["gate", RED] not in package.read("report.html").decode()


def test_a_copy_that_would_show_an_erased_stretch_is_left_out(client: TestClient, archive: Archive) -> None:
    """A copy begins at a key frame and ends with its padding: neither may bring back what was erased."""
    url = searched(client)
    stretch = {"camera": "gate", "start": (NOON + timedelta(seconds=4.7)).isoformat()}
    erase(client, {**stretch, "end": (NOON + timedelta(seconds=60)).isoformat()})

    manifest, package = opened(client, url)

    red = archive.tracklets["gate", RED]
    assert f"tracklets/{red}/preview.mp4" in package.namelist()
    assert [name for name in package.namelist() if name.startswith(f"tracklets/{red}/original")] == []
    left = {one["of"]: one["reason"] for one in manifest["left_out"] if one["what"] == "original clip"}
    assert left[f"tracklet {red} (gate.mp4)"] == "A part of it was erased."
    assert any(name.startswith("tracklets/") and "/original" in name for name in package.namelist())


def test_a_package_that_cannot_be_recorded_has_no_end(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gallery.errors import CatalogueUnavailable

    url = searched(client)
    record = archive.gallery.audit.record

    def refuse(action: str, **options: Any) -> None:
        if action == "evidence.package":
            raise CatalogueUnavailable("gone")
        record(action, **options)

    monkeypatch.setattr(archive.gallery.audit, "record", refuse)
    broken = TestClient(client.app, headers=dict(client.headers))
    with pytest.raises((CatalogueUnavailable, RuntimeError)):
        broken.get(f"{url}/evidence", params={"hits": 0})


def test_a_package_stops_when_its_key_may_not_have_it_any_more(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slow_bodies, "LONG_SECONDS", 0.0)
    red = archive.tracklets["gate", RED]
    groups = archive.gallery.groups
    groups.put("both", ["gate", "yard"])
    scopes = [Scope.SEARCH, Scope.VIEW, Scope.REVIEW]
    revoked, first = archive.gallery.keys.create("revoked", scopes=scopes)
    _, second = archive.gallery.keys.create("narrowed", scopes=scopes, groups=["both"])
    changes = {
        first: lambda: archive.gallery.keys.revoke(revoked.id),
        second: lambda: groups.put("both", ["yard"]),
    }
    real = Bytes.add
    for secret, change in changes.items():
        headers = {"X-API-Key": secret}
        search = client.post("/v1/searches", json={"probes": [{"tracklet_id": red}]}, headers=headers).json()[
            "id"
        ]
        late: list[bytes] | None = None

        def add(self: Bytes, part: Part, change: Any = change) -> Iterator[bytes]:
            nonlocal late
            for chunk in real(self, part):
                if late is not None:
                    late.append(chunk)
                yield chunk
                if late is None and isinstance(part.content, Path):  # in the midst of the first clip
                    late = []
                    change()

        with monkeypatch.context() as patch:
            patch.setattr(Bytes, "add", add)
            patch.setattr(archive_module, "_CHUNK", 100)
            with pytest.raises(RuntimeError, match="already started"):
                TestClient(client.app).get(f"/v1/searches/{search}/evidence", headers=headers)
        assert late is not None
        assert len(late) == 1, "made, and not sent"
        events = [one.action for one in archive.gallery.audit.events(subject=search)]
        assert "evidence.stop" in events
        assert "evidence.package" not in events
        assert not list((archive.gallery.data_dir / "cache").glob("*/*.part.mp4")), "nothing is left"


def test_a_recording_with_an_untrusted_clock_has_a_preview_only(client: TestClient, archive: Archive) -> None:
    import dataclasses

    from sqlalchemy import update

    from gallery.sql.tables import Video

    url = searched(client)
    report = dataclasses.asdict(archive.videos["gate"].report) | {"warnings": ["a time stamp jumps"]}
    with archive.gallery._database.write() as session:
        session.execute(update(Video).where(Video.id == archive.videos["gate"].id).values(report=report))

    manifest, package = opened(client, url)

    red = f"tracklets/{archive.tracklets['gate', RED]}"
    names = package.namelist()
    assert f"{red}/preview.mp4" in names
    assert f"{red}/original.mp4" not in names
    assert {one["what"] for one in manifest["left_out"]} == {"original clip"}


def test_nothing_is_cut_off_a_long_history(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = searched(client)
    hit, search_id = archive.tracklets["gate", RED], url.rpartition("/")[2]
    for verdict in [Verdict.MATCH, Verdict.NOT] * 3:
        archive.gallery.marks.set(search_id, hit, verdict)
    monkeypatch.setattr("service.evidence.contents._PAGE", 2)
    monkeypatch.setattr("service.evidence.package._EVENTS", 3)
    _, files = opened(client, url)
    marks = json.loads(files.read(f"searches/{search_id}/marks.json"))
    assert [one["verdict"] for one in marks] == ["match", "not"] * 3
    events = json.loads(files.read("audit.json"))
    assert [one["action"] for one in events].count("mark.set") == 6
    assert [one["id"] for one in events] == sorted(one["id"] for one in events)
    report = files.read("report.html").decode()
    assert f"The first 3 of {len(events)} events." in report
    assert report.count("<td>mark.set</td>") == 1, "after the photo and the search"


def test_a_package_of_more_hits_than_memory_holds_is_refused(
    client: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    urls = [searched(client) for _ in range(2)]
    key = archive.gallery.keys.list()[0].id
    case = archive.gallery.cases.add("case", key_id=key)
    for url in urls:
        archive.gallery.cases.put(case.id, ItemKind.SEARCH, url.rpartition("/")[2])
    monkeypatch.setattr("service.evidence.package.MOST_RECORDED", 4)
    assert client.get(f"{urls[0]}/evidence", params={"hits": 0}).status_code == 200
    refused = client.get(f"/v1/cases/{case.id}/evidence")
    assert (refused.status_code, "8 hits in all" in refused.json()["detail"]) == (409, True)
    monkeypatch.setattr("service.evidence.package.MOST_RECORDED", 3)
    assert client.get(f"{urls[0]}/evidence").status_code == 409
    assert len(archive.gallery.audit.events(action="evidence.begin")) == 1


def test_each_package_finds_its_own_digest_in_the_list(client: TestClient) -> None:
    url = searched(client)
    answers = [client.get(f"{url}/evidence", params={"hits": 0}) for _ in range(2)]
    digests = {
        answer.headers["sightline-package"]: verifier.verify(io.BytesIO(answer.content)).digest
        for answer in answers
    }
    listed = client.get(f"{url}/evidence/made").json()["items"]
    assert {one["package_id"]: one["manifest_sha256"] for one in listed} == digests
    assert len(digests) == 2
