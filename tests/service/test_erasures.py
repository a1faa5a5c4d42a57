"""Erasure over HTTP: listed, confirmed, certified; holds; retention."""

from datetime import timedelta
from typing import Any

from starlette.testclient import TestClient

from tests.service.conftest import NOON, Archive
from tests.service.searches.asking import search
from tests.service.videos import BLUE, GREEN, RED

Json = dict[str, Any]


def asked(client: TestClient, method: str, path: str, body: Json | None = None, expect: int = 200) -> Json:
    answer = client.request(method, path, json=body)
    assert answer.status_code == expect, answer.text
    found: Json = answer.json() if answer.content else {}
    return found


def erase(client: TestClient, target: Json, **more: object) -> Json:
    plan = asked(client, "POST", "/v1/erasures/plan", target)
    return asked(
        client, "POST", "/v1/erasures", {**target, "plan_sha256": plan["plan_sha256"], **more}, expect=201
    )


def test_a_person_is_listed_then_erased_everywhere(client: TestClient, archive: Archive, probe: Json) -> None:
    found = search(client, probe, cameras=["gate"])
    gate, yard, green = (archive.tracklets[one] for one in (("gate", RED), ("yard", RED), ("gate", GREEN)))
    marks = f"/v1/searches/{found['id']}/marks"
    asked(client, "PUT", f"{marks}/{green}", {"verdict": "not"})
    person = {"person": {"search_id": found["id"], "above": 0.9}}
    plan = asked(client, "POST", "/v1/erasures/plan", person)
    assert sorted(one["id"] for one in plan["tracklets"]) == sorted([gate, yard])  # on all cameras
    assert plan["photos"] == [probe["id"]]
    (listed,) = archive.gallery.audit.events(action="erasure.plan")
    assert (listed.subject, listed.detail["plan_sha256"]) == (found["id"], plan["plan_sha256"])
    assert set(plan["about"]["scores"]) == {gate, yard}
    assert "recordings" in {one["what"] for one in plan["remains"]}
    confirmed = person | {"plan_sha256": plan["plan_sha256"]}
    fewer = {"person": {**person["person"], "leave_out": [yard]}, "plan_sha256": plan["plan_sha256"]}
    assert "list it again" in asked(client, "POST", "/v1/erasures", fewer, expect=409)["detail"]
    assert client.get(f"/v1/tracklets/{gate}/clip").status_code == 200
    cached = list((archive.gallery.data_dir / "cache").rglob("*.mp4"))

    done = asked(client, "POST", "/v1/erasures", confirmed, expect=201)

    assert cached
    assert not any(path.exists() for path in cached)
    proof = done["proof"]
    assert (proof["found"], proof["rows"], proof["files"], proof["vectors_searched"]) == (0, 0, 0, 2)
    for path in (f"/v1/tracklets/{yard}", f"/v1/tracklets/{yard}/thumbnail", f"/v1/tracklets/{gate}/clip"):
        asked(client, "GET", path, expect=404)
    asked(client, "GET", f"/v1/probes/{probe['id']}", expect=404)
    assert [hit["tracklet_id"] for hit in asked(client, "GET", f"/v1/searches/{found['id']}")["hits"]] == [
        green
    ]
    assert asked(client, "GET", f"/v1/tracklets/{green}")["id"] == green
    text = client.get(f"/v1/erasures/{done['id']}/certificate.txt").text
    assert done["certificate_sha256"] in text
    assert (
        asked(client, "GET", "/v1/erasures")["items"][0]
        == done
        == asked(client, "GET", f"/v1/erasures/{done['id']}")
    )
    again = asked(client, "POST", "/v1/erasures/plan", person, expect=410)
    assert "kept to ask it again" in again["detail"]


def test_a_stretch_is_out_of_the_clips_of_others(client: TestClient, archive: Archive) -> None:
    """Their padding would show it; what is left of the recording is played as before."""
    red = archive.tracklets["gate", RED]
    # Nobody was seen in the last tenth of a second but one.
    stretch = {
        "camera": "gate",
        "start": (NOON + timedelta(seconds=4.7)).isoformat(),
        "end": (NOON + timedelta(seconds=60)).isoformat(),
    }
    before = client.get(f"/v1/tracklets/{red}/clip").headers["etag"]
    done = erase(client, stretch)
    assert done["certificate"]["counts"]["stretches"] == 1
    after = client.get(f"/v1/tracklets/{red}/clip")
    assert after.status_code == 200
    assert after.headers["etag"] != before
    (kept,) = archive.gallery.catalogue.erased_stretches(archive.videos["gate"].id)
    assert kept == (4_700_000, 5_000_000)


def test_holds_refuse_and_are_lifted(client: TestClient, archive: Archive) -> None:
    video = archive.videos["gate"].id
    stretch = {"start": "2026-03-01T11:00:00Z", "end": "2026-03-01T12:00:02Z"}
    hold = asked(client, "POST", "/v1/holds", {"camera": "gate", "reason": "court", **stretch}, expect=201)
    target = {"recordings": [video]}
    plan = asked(client, "POST", "/v1/erasures/plan", target)
    assert ([one["hold_id"] for one in plan["held"]], plan["recordings"]) == ([hold["id"]], [])
    for refused in (
        client.post("/v1/erasures", json=target | {"plan_sha256": plan["plan_sha256"]}),
        client.delete(f"/v1/videos/{video}"),
    ):
        assert (refused.status_code, refused.json()["type"]) == (409, "urn:sightline:problem:held")
        assert hold["id"] in refused.json()["detail"]
    assert asked(client, "GET", "/v1/holds")["items"] == [hold]
    asked(client, "POST", f"/v1/holds/{hold['id']}/lift", {"reason": "over"})
    asked(client, "POST", f"/v1/holds/{hold['id']}/lift", {"reason": "over"}, expect=409)
    assert asked(client, "GET", "/v1/holds")["items"] == []
    assert asked(client, "GET", "/v1/holds?lifted=true")["items"][0]["lift_reason"] == "over"
    assert client.delete(f"/v1/videos/{video}").status_code == 204
    assert (
        asked(client, "GET", "/v1/erasures")["items"][0]["certificate"]["erased"]["recordings"][0]["id"]
        == video
    )


def test_rules_are_tried_set_followed_and_removed(client: TestClient, archive: Archive) -> None:
    rule = {"kind": "recordings", "camera": "gate", "days": 1}
    tried = asked(client, "POST", "/v1/retention-runs", {"dry_run": True, "rule": rule})
    assert [one["id"] for one in tried["plan"]["recordings"]] == [archive.videos["gate"].id]
    assert asked(client, "POST", "/v1/retention-runs", {"dry_run": False})["erasure"] is None
    asked(client, "PUT", "/v1/retention-rules", {"kind": "recordings", "days": 36_500})
    asked(client, "PUT", "/v1/retention-rules", rule)
    assert [one["camera"] for one in asked(client, "GET", "/v1/retention-rules")["items"]] == [None, "gate"]
    done = asked(client, "POST", "/v1/retention-runs", {"dry_run": False})["erasure"]
    assert done["certificate"]["counts"]["recordings"] == 1
    assert {"kind": "recordings", "camera": "gate", "days": 1} in done["certificate"]["rule"]["rules"]
    assert asked(client, "POST", "/v1/retention-runs", {"dry_run": False})["erasure"] is None
    query = "kind=recordings&camera=gate"
    asked(client, "DELETE", f"/v1/retention-rules?{query}", expect=204)
    asked(client, "DELETE", f"/v1/retention-rules?{query}", expect=404)
    assert asked(client, "GET", f"/v1/tracklets/{archive.tracklets['yard', BLUE]}")["id"]


def test_nonsense_is_refused_and_erases_nothing(client: TestClient, archive: Archive) -> None:
    video = archive.videos["gate"].id
    digest = "0" * 64
    for path, body, status in (
        ("/v1/erasures/plan", {}, 422),
        ("/v1/erasures/plan", {"recordings": []}, 422),
        ("/v1/erasures/plan", {"recordings": [video], "camera": "gate"}, 422),
        ("/v1/erasures/plan", {"camera": "cellar"}, 422),
        ("/v1/erasures/plan", {"start": "2026-03-01T12:00:00"}, 422),
        ("/v1/erasures/plan", {"start": "2026-03-01T12:00:00Z", "end": "2026-03-01T12:00:00Z"}, 422),
        ("/v1/erasures/plan", {"recordings": ["../" * 20]}, 404),
        ("/v1/erasures/plan", {"tracklets": [f"{video}-99"]}, 404),
        ("/v1/erasures/plan", {"person": {"search_id": "x" * 32, "above": 0.5}}, 404),
        ("/v1/erasures/plan", {"person": {"search_id": "x" * 32, "above": 0}}, 422),
        ("/v1/erasures", {"recordings": [video]}, 422),
        ("/v1/erasures", {"recordings": [video], "plan_sha256": "'; DROP TABLE video"}, 422),
        ("/v1/erasures", {"recordings": [video], "plan_sha256": digest}, 409),
        ("/v1/holds", {"reason": "r"}, 422),
        ("/v1/holds", {"reason": "r", "camera": "gate", "case": "x"}, 422),
        ("/v1/holds", {"reason": "", "camera": "gate"}, 422),
        ("/v1/holds", {"reason": " ", "camera": "gate"}, 422),
        ("/v1/holds", {"reason": "r\0", "camera": "gate"}, 422),
        ("/v1/holds", {"reason": "r", "recording": "0" * 32}, 404),
        ("/v1/holds", {"reason": "r", "recording": video, "start": "2026-03-01T12:00:00Z"}, 422),
        ("/v1/holds/x/lift", {"reason": "r"}, 404),
        ("/v1/retention-runs", {"dry_run": False, "rule": {"kind": "probes", "days": 1}}, 422),
    ):
        answer = client.post(path, json=body)
        assert answer.status_code == status, (path, body, answer.text)
    for body in (
        {"kind": "recordings", "days": 0},
        {"kind": "probes", "days": 1, "camera": "gate"},
        {"kind": "cases", "days": 1},
        {"kind": "recordings", "days": 10**9},
    ):
        assert client.put("/v1/retention-rules", json=body).status_code == 422
    assert len(archive.gallery.catalogue.videos()) == 2
    assert asked(client, "GET", "/v1/erasures")["items"] == []
