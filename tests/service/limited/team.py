"""A team whose key is limited to some cameras, in a gallery with one that it may not see, but once did."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import Gallery, NewRecording
from gallery.sql.tables import Camera, Model
from service.app import create_app
from tests.service.conftest import NOON, Archive, index, settings_for, upload
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.videos import BLUE, GREEN, RED, scene

Json = dict[str, Any]

HIDDEN = "vault-7731"
SITE = "bunker-7731"
FILE = "footage-7731"
ZONE = "Pacific/Chatham"
NUMBER = 987654321


@dataclass
class Team:
    """The key's client, and what it has of its own; `wide` is a search that it made when it saw more."""

    client: TestClient
    everybody: TestClient
    archive: Archive
    probe: Json
    narrow: Json
    wide: Json
    case: Json
    ids: dict[str, str] = field(default_factory=dict)

    @property
    def gallery(self) -> Gallery:
        return self.archive.gallery

    def secrets(self) -> list[str]:
        """What no answer may hold: of the hidden camera, and of what was searched when it was seen."""
        video = self.archive.videos[HIDDEN]
        return [HIDDEN, SITE, FILE, ZONE, str(NUMBER), "-77.7731", video.id, video.content_hash]


def make_archive(gallery: Gallery, media: Any) -> Archive:
    """Gate saw red and green; the hidden camera, which stands elsewhere, red and blue; roof saw nothing."""
    media.mkdir()
    archive = Archive(gallery, media)
    gallery.catalogue.add_camera("gate", site="north", time_zone="Europe/Berlin")
    gallery.catalogue.add_camera("roof", site="north")
    place = {"site": SITE, "time_zone": ZONE, "latitude": -77.7731, "longitude": 1.0}
    with gallery._database.write() as session:
        session.add(Camera(id=NUMBER, name=HIDDEN, created_at=NOON, **place))
    index(archive, "gate", NOON, [RED, GREEN])
    index(archive, HIDDEN, NOON + timedelta(seconds=2), [RED, BLUE], name=FILE)
    adapted = {"name": "colour-histogram", "adaptation": {"cameras": [HIDDEN], "recordings": [FILE]}}
    with gallery._database.write() as session:
        session.get_one(Model, ColourEmbedder.id).card = adapted
    return archive


def service(archive: Archive) -> FastAPI:
    return create_app(
        settings_for(archive),
        gallery=archive.gallery,
        embedder=ColourEmbedder(),
        detector=ContrastDetector(),
    )


def made(client: TestClient, method: str, path: str, **sent: Any) -> Json:
    answer = client.request(method, path, **sent)
    assert answer.status_code < 300, answer.text
    found: Json = answer.json()
    return found


def work(archive: Archive, client: TestClient, everybody: TestClient) -> Team:
    """The team works while it sees all cameras; then one leaves its group, and it goes on."""
    gallery = archive.gallery
    probe = upload(client, scene((RED, 100, 60)))
    asked = {"probes": [{"probe_id": probe["id"]}]}
    wide = made(client, "POST", "/v1/searches", json=asked)
    assert {hit["camera"]["name"] for hit in wide["hits"]} == {"gate", HIDDEN}
    for hit in wide["hits"]:
        mark = {"verdict": "match"}
        made(client, "PUT", f"/v1/searches/{wide['id']}/marks/{hit['tracklet_id']}", json=mark)
    refined = made(client, "POST", f"/v1/searches/{wide['id']}/refine", json={})
    again = made(client, "POST", f"/v1/searches/{wide['id']}/again", json={"on": "now"})
    case = made(client, "POST", "/v1/cases", json={"title": "one"})
    for search in (wide, refined):
        made(client, "POST", f"/v1/cases/{case['id']}/items", json={"search_id": search["id"]})
    theirs = made(everybody, "POST", "/v1/cases", json={"title": "theirs"})
    start = NOON.isoformat()
    mixed = [{"camera": "gate", "path": "gate.mp4"}, {"camera": HIDDEN, "path": f"{FILE}.mp4"}]
    job = made(
        everybody, "POST", "/v1/index-jobs", json={"recordings": [{**one, "start": start} for one in mixed]}
    )
    gallery.jobs.record_failure(
        NewRecording(NUMBER, f"/media/{FILE}.mp4", f"{FILE}.mp4", False, NOON), f"{FILE} is damaged"
    )
    gallery.calibrations.add(ColourEmbedder.id, {"fitted_on": {"people": HIDDEN}})
    gallery.groups.remove("team", [HIDDEN])

    narrow = made(client, "POST", "/v1/searches", json=asked)
    for hit in narrow["hits"]:
        mark = {"verdict": "match"}
        made(client, "PUT", f"/v1/searches/{narrow['id']}/marks/{hit['tracklet_id']}", json=mark)
    made(client, "POST", f"/v1/cases/{case['id']}/items", json={"search_id": narrow["id"]})
    sent = made(client, "POST", "/v1/uploads", json={"file_name": "mine.mp4"})
    made(client, "PUT", f"/v1/uploads/{sent['id']}", params={"offset": 0}, content=b"film")
    own = {"camera": "gate", "upload_id": sent["id"], "start": start}
    mine = made(client, "POST", "/v1/index-jobs", json={"recordings": [own]})
    broken = made(client, "POST", "/v1/uploads", json={"file_name": "broken.mp4"})
    made(client, "PUT", f"/v1/uploads/{broken['id']}", params={"offset": 0}, content=b"film")
    one = {**own, "upload_id": broken["id"]}
    failed = made(client, "POST", "/v1/index-jobs", json={"recordings": [one]})
    _find_it_elsewhere(archive, job["id"])
    loose = made(client, "POST", "/v1/uploads", json={"file_name": "more.mp4"})
    ids = {
        "refined": refined["id"],
        "again": again["id"],
        "their case": theirs["id"],
        "job": job["id"],
        "my job": mine["id"],
        "failed job": failed["id"],
        "upload": sent["id"],
        "loose": loose["id"],
    }
    return Team(client, everybody, archive, probe, narrow, wide, case, ids)


def _find_it_elsewhere(archive: Archive, mixed: str) -> None:
    """As if the team's upload had the content of the hidden camera's recording."""
    gallery, video = archive.gallery, archive.videos[HIDDEN]
    while (claim := gallery.jobs.claim("w", lease_seconds=60)) is not None:
        if claim.recording.file_name == "broken.mp4":
            gallery.jobs.finish(claim, state="failed", reason="no video stream")
        elif claim.job_id != mixed:
            said = f"{video.file_name} is indexed already, as video {video.id}"
            gallery.jobs.finish(claim, state="skipped", reason=said, video_id=video.id)
