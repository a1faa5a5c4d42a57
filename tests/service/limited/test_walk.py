"""Every operation there is, asked by a key that is limited to some cameras for what is of others.

No answer holds a name, an id or a file of a hidden camera, and each is what it would be if there were none.
"""

import io
import itertools
import json
import re
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings
from service.scopes import WHOLE_GALLERY
from tests.service.conftest import NOON, index
from tests.service.limited.team import FILE, HIDDEN, SITE, Json, Team, made, make_archive, service, work
from tests.service.test_scopes import operations
from tests.service.videos import GREEN, RED, encoded, scene

VERBS = {"GET": 0, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 2}  # what removes comes last


@pytest.fixture(scope="module")
def team(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    root = tmp_path_factory.mktemp("limited")
    (root / "gallery").mkdir()
    shutil.copyfile(sqlite_template, root / "gallery" / "gallery.sqlite3")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        archive = make_archive(gallery, root / "media")
        gallery.groups.add("team", ["gate", "roof", HIDDEN])
        app = service(archive)
        limited = {"X-API-Key": gallery.keys.create("team", groups=["team"])[1]}
        unlimited = {"X-API-Key": gallery.keys.create("everybody")[1]}
        with TestClient(app, headers=limited, raise_server_exceptions=False) as client:
            yield work(archive, client, TestClient(app, headers=unlimited))


def pools(team: Team) -> dict[str, list[str]]:
    """What may stand in a path, by the name of its parameter: what is the team's, and what is hidden."""
    hidden, seen = team.archive.videos[HIDDEN].id, team.archive.videos["gate"].id
    searches = [team.narrow["id"], team.wide["id"], team.ids["refined"], team.ids["again"]]
    return {
        "search_id": searches,
        "tracklet_id": [f"{hidden}-0", f"{seen}-0"],
        "video_id": [hidden, seen],
        "probe_id": [team.probe["id"]],
        "case_id": [team.case["id"], team.ids["their case"]],
        "subject_id": [team.wide["id"], team.probe["id"]],
        "job_id": [team.ids["job"], team.ids["my job"], team.ids["failed job"]],
        "upload_id": [team.ids["loose"], team.ids["upload"]],
        "name": [HIDDEN, "gate", "team"],
        "model": ["colour-histogram"],
    }


def bodies(team: Team) -> dict[str, list[Json]]:
    """What is sent with an operation besides its path, again with what is hidden."""
    hidden = f"{team.archive.videos[HIDDEN].id}-0"
    photo = {"file": ("photo.png", encoded(scene((RED, 100, 60))))}
    asked: Json = {"probes": [{"probe_id": team.probe["id"]}]}
    recording = {"camera": "gate", "start": NOON.isoformat()}
    jobs: list[Json] = [
        {**recording, "camera": HIDDEN, "upload_id": team.ids["upload"]},
        {**recording, "path": f"{FILE}.mp4"},
        {**recording, "upload_id": team.ids["loose"]},
    ]
    searched = [
        asked,
        {**asked, "cameras": [HIDDEN]},
        {**asked, "cameras": ["gate", HIDDEN]},
        {**asked, "sites": [SITE]},
        {**asked, "sites": ["north"], "rerank": True, "rank_by": "cosine"},
        {"probes": [{"tracklet_id": hidden}]},
        {"probes": [*asked["probes"], {"tracklet_id": hidden}]},
    ]
    found: dict[str, list[Json]] = {
        "createSearch": searched,
        "searchAgain": [{"on": "snapshot"}, {"on": "now"}],
        "refineSearch": [{}, {"probes": [{"tracklet_id": hidden}]}],
        "markHit": [{"verdict": "match"}],
        "confirmMark": [{"agrees": True}],
        "createCase": [{"title": "two"}],
        "changeCase": [{"title": "three"}],
        "addCaseItem": [{"search_id": one} for one in (team.wide["id"], team.narrow["id"])],
        "addCaseNote": [{"text": "seen"}],
        "createCamera": [{"name": HIDDEN}],
        "changeCamera": [{"site": "x"}, {"name": HIDDEN}],
        "putCameraGroup": [{"cameras": [HIDDEN]}],
        "correctVideo": [{"camera": HIDDEN}, {"file_name": "x.mp4"}],
        "createIndexJob": [{"recordings": [one]} for one in jobs],
        "createModelJob": [{"kind": "adapt", "name": "x", "cameras": [HIDDEN]}],
    }
    sent: dict[str, list[Json]] = {name: [{"json": body} for body in of] for name, of in found.items()}
    sent["createProbe"] = [{"files": photo}]
    sent["searchByPhoto"] = [
        {"files": photo, "data": {"query": json.dumps(query)}} for query in ({}, {"cameras": [HIDDEN]})
    ]
    sent["appendToUpload"] = [{"params": {"offset": 0}, "content": b"film"}]
    sent["listVideos"] = [{}, {"params": {"camera": HIDDEN}}, {"params": {"cursor": hidden[:-2]}}]
    sent["listOnwards"] = [{"params": {"camera": name}} for name in ("gate", HIDDEN)]
    sent["listSearches"] = [{}, {"params": {"cursor": team.wide["id"]}}]
    sent["listCases"] = [{}, {"params": {"cursor": team.ids["their case"]}}]
    sent["listFailedRecordings"] = [{"params": one} for one in ({}, {"camera": "gate"}, {"camera": HIDDEN})]
    sent["listIndexJobs"] = [{}, {"params": {"cursor": team.ids["job"]}}]
    return sent


def requests(team: Team) -> Iterator[tuple[str, str, str, Json]]:
    """Operation, method, path and the rest of every request."""
    known, sent = pools(team), bodies(team)
    app: Any = team.client.app
    inner_first = sorted(operations(app).items(), key=lambda one: (VERBS[one[1][0]], -one[1][1].count("{")))
    for operation, (method, path) in inner_first:
        names = re.findall(r"\{(\w+)\}", path)
        for values in itertools.product(*(known.get(name, ["0" * 32]) for name in names)):
            filled = path
            for name, value in zip(names, values, strict=True):
                filled = filled.replace(f"{{{name}}}", quote(value))
            for rest in sent.get(operation, [{}]):
                yield operation, method, filled, rest


def text_of(answer: Any) -> str:
    """All that an answer says, what lies in an archive too."""
    said = f"{answer.headers}\n{answer.text}"
    if answer.headers.get("content-type") == "application/zip":
        with zipfile.ZipFile(io.BytesIO(answer.content)) as package:
            for name in package.namelist():
                said += f"\n{name}\n{package.read(name).decode(errors='replace')}"
    return said


def absent(team: Team) -> dict[str, str]:
    """For everything that is hidden something that is not there at all, of the same form."""
    hidden = team.archive.videos[HIDDEN].id
    searches = [team.wide["id"], team.ids["refined"], team.ids["again"]]
    ids = [hidden, *searches, team.ids["their case"], team.ids["job"]]
    return {HIDDEN: "attic-7731", SITE: "cellar-7731", FILE: "missing-7731"} | {
        one: one[:16] + f"{number:016x}" for number, one in enumerate(ids)
    }


def replaced(value: str, names: dict[str, str]) -> str:
    for hidden, other in names.items():
        value = value.replace(hidden, other)
    return value


def test_nothing_hidden_is_in_any_answer_or_told_from_what_is_not_there(team: Team) -> None:
    names = absent(team)
    own = [team.wide["id"], team.ids["refined"], team.ids["again"]]
    secrets = [*team.secrets(), *own]
    before = {name: getattr(team.gallery.catalogue, name)() for name in ("cameras", "videos")}
    erased = {team.archive.videos["gate"].id}
    answered: dict[str, set[int]] = {}
    for operation, method, path, rest in requests(team):
        answer = team.client.request(method, path, **rest)
        answered.setdefault(operation, set()).add(answer.status_code)
        asked = f"{path} {rest.get('json')} {rest.get('params')} {rest.get('data')}"
        about = f"{operation} {asked[:300]}: {answer.status_code}"
        assert answer.status_code < 500, about
        said = text_of(answer)
        echoed = [one for one in secrets if one in asked] if answer.status_code >= 400 else []
        known = own if operation == "getCaseEvidence" else []  # its trail names what was put into the case
        told = [one for one in secrets if one in said and one not in [*echoed, *known]]
        assert told == [], about
        if echoed:
            named = {key: rest[key] for key in rest.keys() & {"json", "params", "data"}}
            as_if = {**rest, **json.loads(replaced(json.dumps(named), names))}
            other = team.client.request(method, replaced(path, names), **as_if)
            assert other.status_code == answer.status_code, about
            assert problem(other) == json.loads(replaced(json.dumps(problem(answer)), names)), about
    assert answered.keys() == operations(team.client.app).keys()  # type: ignore[arg-type]
    for operation, statuses in answered.items():
        if operation in WHOLE_GALLERY:
            assert statuses == {403}, operation
        elif operation not in {"signOut", "confirmMark", "withdrawConfirmation", "getEvidenceProgress"}:
            assert min(statuses) < 300, f"{operation} was only ever refused: {statuses}"
    left = [video for video in before["videos"] if video.id not in erased]
    assert team.gallery.catalogue.videos() == left, "only what is seen was erased"
    assert [c.name for c in team.gallery.catalogue.cameras()] == [c.name for c in before["cameras"]]


def problem(answer: Any) -> Json:
    """An error answer without what names the request."""
    return {key: value for key, value in answer.json().items() if key != "request_id"}


def test_what_was_refused_is_on_record_and_only_there_told_apart(team: Team) -> None:
    hidden = f"{team.archive.videos[HIDDEN].id}-0"
    key = next(key for key in team.gallery.keys.list() if key.camera_groups)
    for tracklet, there in ((hidden, True), (f"{'0' * 32}-0", False)):
        assert team.client.get(f"/v1/tracklets/{tracklet}").status_code == 404
        event = team.gallery.audit.events(action="key.refuse", key_id=key.id, limit=1)[0]
        assert (event.subject, event.detail["out_of_sight"]) == ("getTracklet", there)
        assert tracklet in event.detail["said"]
    asked = {"probes": [{"probe_id": team.probe["id"]}]}
    upload = {"upload_id": team.ids["loose"], "start": NOON.isoformat()}
    video = f"/v1/videos/{team.archive.videos['gate'].id}"
    for method, path, body, there in (
        ("POST", "/v1/searches", {**asked, "cameras": ["gate", HIDDEN]}, True),
        ("POST", "/v1/searches", {**asked, "cameras": ["nowhere"]}, False),
        ("POST", "/v1/searches", {**asked, "sites": [SITE]}, True),
        ("POST", "/v1/searches", {**asked, "sites": ["nowhere"]}, False),
        ("POST", "/v1/index-jobs", {"recordings": [{**upload, "camera": HIDDEN}]}, True),
        ("PATCH", video, {"camera": HIDDEN}, True),
    ):
        assert team.client.request(method, path, json=body).status_code == 422, body
        event = team.gallery.audit.events(action="key.refuse", key_id=key.id, limit=1)[0]
        assert event.detail["out_of_sight"] is there, body
    index(team.archive, "roof", NOON, [GREEN])
    onwards = {"probes": [{"tracklet_id": team.archive.tracklets["roof", GREEN]}]}
    own = made(team.client, "POST", "/v1/searches", json=onwards)["id"]
    gone = f"/v1/videos/{team.archive.videos['roof'].id}"
    made(team.everybody, "PATCH", gone, json={"camera": HIDDEN})
    assert team.client.post(f"/v1/searches/{own}/again").status_code == 410
    event = team.gallery.audit.events(action="key.refuse", key_id=key.id, limit=1)[0]
    assert (event.subject, event.detail["out_of_sight"]) == ("searchAgain", True)
    assert team.everybody.delete(gone).status_code == 204
    assert team.client.post("/v1/models/rollback").status_code == 403
    event = team.gallery.audit.events(action="key.refuse", key_id=key.id, limit=1)[0]
    assert (event.subject, event.detail) == ("rollBackModel", {"needed": "all cameras"})
    assert team.everybody.get(f"/v1/tracklets/{hidden}").status_code == 200


def test_a_camera_that_joins_is_seen_at_once_and_so_is_what_covered_it(team: Team) -> None:
    def listed() -> list[str]:
        return [one["name"] for one in team.client.get("/v1/cameras").json()["items"]]

    assert listed() == ["gate", "roof"]
    assert team.client.get(f"/v1/searches/{team.wide['id']}").status_code == 404
    team.everybody.put("/v1/camera-groups/team", json={"cameras": [HIDDEN]})
    assert listed() == [HIDDEN]
    assert team.client.get(f"/v1/searches/{team.wide['id']}").status_code == 404, "gate is hidden now"
    team.everybody.put("/v1/camera-groups/team", json={"cameras": [HIDDEN, "gate", "roof"]})
    assert team.client.get(f"/v1/searches/{team.wide['id']}").status_code == 200
    team.everybody.put("/v1/camera-groups/team", json={"cameras": ["gate", "roof"]})


def test_a_key_of_an_empty_group_finds_nothing_and_nothing_breaks(team: Team) -> None:
    team.gallery.groups.add("nobody", [])
    _, secret = team.gallery.keys.create("nobody", groups=["nobody"])
    client = TestClient(team.client.app, headers={"X-API-Key": secret})
    for path in ("cameras", "videos", "index-jobs", "searches", "cases"):
        assert client.get(f"/v1/{path}").json()["items"] == [], path
    assert client.get("/v1/models").json()["items"][0]["tracklets"] == 0
    photo = {"file": ("photo.png", encoded(scene((RED, 100, 60))))}
    answer = client.post("/v1/searches/by-photo", files=photo)
    assert answer.status_code == 201, answer.text
    found = answer.json()
    coverage = found["coverage"]
    assert (found["hits"], coverage["cameras"], coverage["not_searched"]) == ([], [], [])
    assert (coverage["tracklets_compared"], coverage["change"]) == (0, 0)
    again = client.post(f"/v1/searches/{found['id']}/again", json={"on": "snapshot"})
    assert again.status_code == 201
    package = client.get(f"/v1/searches/{found['id']}/evidence")
    assert not [one for one in team.secrets() if one in text_of(package)]
