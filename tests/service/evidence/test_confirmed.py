"""Packages of confirmed marks alone, and how far a package is while it is made."""

import io
import json
import zipfile
from typing import Any

import anyio
from starlette.requests import Request
from starlette.testclient import TestClient

from gallery import ItemKind, Verdict
from service.auth import Caller
from service.evidence import package, verifier
from service.evidence.report import ONLY_CONFIRMED
from tests.service.conftest import Archive
from tests.service.evidence.test_package import searched
from tests.service.videos import GREEN, RED


def marked(client: TestClient, archive: Archive) -> tuple[str, str, str, str]:
    """A search with red marked as the person, green as not: its URL, whose key, both tracklets."""
    url, maker = searched(client), archive.gallery.keys.list()[0].id
    red, green = archive.tracklets["gate", RED], archive.tracklets["gate", GREEN]
    archive.gallery.marks.set(url.rpartition("/")[2], red, Verdict.MATCH, key_id=maker)
    archive.gallery.marks.set(url.rpartition("/")[2], green, Verdict.NOT, key_id=maker)
    return url, maker, red, green


def test_a_package_may_demand_confirmed_marks(client: TestClient, archive: Archive) -> None:
    gallery, only = archive.gallery, {"only_confirmed": True}
    url, maker, red, green = marked(client, archive)
    search = url.rpartition("/")[2]
    second, _ = gallery.keys.create("second")
    gallery.marks.confirm(search, green, agrees=False, key_id=second.id)
    refused = client.get(f"{url}/evidence", params=only)
    assert (refused.status_code, "No mark is confirmed" in refused.json()["detail"]) == (409, True)
    assert gallery.audit.events(action="evidence.begin") == [], "nothing was begun"
    assert client.get(f"{url}/evidence", params={"only_confirmed": "perhaps"}).status_code == 422
    gallery.marks.confirm(search, red, agrees=True, key_id=second.id)
    case = gallery.cases.add("case", key_id=maker)
    gallery.cases.put(case.id, ItemKind.SEARCH, search)
    for asked in (f"{url}/evidence", f"/v1/cases/{case.id}/evidence"):
        made = client.get(asked, params={**only, "hits": 4})
        facts: dict[str, Any] = dict(verifier.verify(io.BytesIO(made.content)).manifest)
        with zipfile.ZipFile(io.BytesIO(made.content)) as files:
            names, report = files.namelist(), files.read("report.html").decode()
            if "cases" in asked:
                journey = json.loads(files.read("journey/journey.json"))
                assert [one["tracklet_id"] for one in journey["sightings"]] == [red]
        assert {name.split("/")[1] for name in names if name.endswith("preview.mp4")} == {red}
        assert ONLY_CONFIRMED in report
        assert f"confirmed by {second.id}" in report
        (left,) = facts["left_out"]
        assert (left["of"], f"disputed by {second.id}" in left["reason"]) == (f"tracklet {green}", True)
        assert (facts["only_confirmed"], facts["hits_with_clips"]) == (True, 0)
    assert [one.detail["only_confirmed"] for one in gallery.audit.events(action="evidence.begin")] == [
        True
    ] * 2
    everything = client.get(f"{url}/evidence", params={"hits": 0})
    assert verifier.verify(io.BytesIO(everything.content)).manifest["only_confirmed"] is False


def test_a_package_says_how_far_it_is(client: TestClient, archive: Archive) -> None:
    url, maker, *_ = marked(client, archive)
    state = client.app.state.sightline  # type: ignore[attr-defined]
    info, caller = archive.gallery.searches.get(url.rpartition("/")[2]), Caller(maker)
    made = package.of_search(state, caller, info, 0)
    there = f"/v1/evidence-packages/{made.id}/progress"
    seen = [client.get(there).json() for _ in made.parts()]
    assert list(dict.fromkeys(one["stage"] for one in seen)) == ["photos", "answers", "clips", "report"]
    counted = [(one["done"], one["tracklets"]) for one in seen if one["stage"] == "clips"]
    assert (counted[0], counted[-1]) == ((0, 2), (1, 2)), "the last one is packed when the next part comes"

    answer = client.get(f"{url}/evidence", params={"hits": 0})
    there = f"/v1/evidence-packages/{answer.headers['sightline-package']}/progress"
    ended = {"stage": "made", "tracklets": 2, "done": 2, "sent": len(answer.content)}
    assert client.get(there).json() == ended
    _, other = archive.gallery.keys.create("other")
    assert client.get(there, headers={"X-API-Key": other}).status_code == 404
    assert client.get("/v1/evidence-packages/%00/progress").status_code == 404

    async def let_go() -> str:
        async def receive() -> dict[str, Any]:
            await anyio.sleep_forever()
            raise AssertionError

        given = package.of_search(state, caller, info, 0)
        stream = given.stream(Request({"type": "http", "state": {}}, receive))
        await anext(stream)
        await stream.aclose()  # type: ignore[attr-defined]
        return given.id

    left = anyio.run(let_go)
    assert client.get(f"/v1/evidence-packages/{left}/progress").json()["stage"] == "cancelled"
