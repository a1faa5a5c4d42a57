"""The whole API: requests by several keys, from a photo to its erasure, and what must hold after them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from tests.fuzz.entrances.base import Broken, Entrance
from tests.fuzz.mutate import Shake
from tests.fuzz.requests import KEYS, Json, Maker
from tests.fuzz.world import World, photos, template

LOOKED_AT = 20  # sequences, after which the gallery and its trail are looked at
LONGEST = 30  # requests


def _step(operation: str, method: str, path: str, key: str = "all", **more: Any) -> Json:
    return {"key": key, "operation": operation, "method": method, "path": path, **more}


def _story(key: str) -> list[Json]:
    """From a photo to its erasure, by one key."""
    search, case = "/v1/searches/${search_id}", "/v1/cases/${case_id}"
    mark = f"{search}/marks/${{tracklet_id}}"
    plan = {"person": {"search_id": "${search_id}", "above": 0.5}}
    return [
        _step("createProbe", "POST", "/v1/probes", key, photo="red"),
        _step(
            "createSearch",
            "POST",
            "/v1/searches",
            key,
            json={"probes": [{"probe_id": "${probe_id}"}], "limit": 1},
        ),
        _step("getSearch", "GET", search, key, query={"cursor": "${next_cursor}"}),
        _step("markHit", "PUT", mark, key, json={"verdict": "match"}),
        _step("refineSearch", "POST", f"{search}/refine", key, json={}),
        _step("createCase", "POST", "/v1/cases", key, json={"title": "bag"}),
        _step("addCaseItem", "POST", f"{case}/items", key, json={"search_id": "${search_id}"}),
        _step("addCaseNote", "POST", f"{case}/notes", key, json={"text": "seen"}),
        _step("getJourney", "GET", f"{case}/journey", key),
        _step("getSearchEvidence", "GET", f"{search}/evidence", key),
        _step("getThumbnail", "GET", "/v1/tracklets/${tracklet_id}/thumbnail", key),
        _step("planErasure", "POST", "/v1/erasures/plan", "administer", json={"cases": ["${case_id}"]}),
        _step(
            "erase",
            "POST",
            "/v1/erasures",
            "all",
            json={"cases": ["${case_id}"], "plan_sha256": "${plan_sha256}"},
        ),
        _step("planErasure", "POST", "/v1/erasures/plan", key, json=plan),
        _step("getSearch", "GET", search, key),
    ]


def _upkeep() -> list[Json]:
    """Recordings, holds, rules and groups."""
    recording = {"camera": "gate", "upload_id": "${upload_id}", "start": "2026-03-01T12:00:00Z"}
    return [
        _step("createUpload", "POST", "/v1/uploads", json={"file_name": "more.mp4"}),
        _step("appendToUpload", "PUT", "/v1/uploads/${upload_id}", query={"offset": 0}, raw="film"),
        _step("createIndexJob", "POST", "/v1/index-jobs", json={"recordings": [recording]}),
        _step("getMediaStart", "GET", "/v1/media/start", query={"path": "gate.mp4"}),
        _step("retryIndexJob", "POST", "/v1/index-jobs/${job_id}/retry", json={"recordings": ["${job_id}"]}),
        _step("listFailedRecordings", "GET", "/v1/failed-recordings"),
        _step("cancelIndexJob", "POST", "/v1/index-jobs/${job_id}/cancel"),
        _step("putHold", "POST", "/v1/holds", json={"recording": "${video_id}", "reason": "theft"}),
        _step("planErasure", "POST", "/v1/erasures/plan", json={"recordings": ["${video_id}"]}),
        _step(
            "erase",
            "POST",
            "/v1/erasures",
            json={"recordings": ["${video_id}"], "plan_sha256": "${plan_sha256}"},
        ),
        _step("liftHold", "POST", "/v1/holds/${hold_id}/lift", json={"reason": "done"}),
        _step("setRetentionRule", "PUT", "/v1/retention-rules", json={"kind": "probes", "days": 30}),
        _step("runRetention", "POST", "/v1/retention-runs", json={}),
        _step("putCameraGroup", "PUT", "/v1/camera-groups/yard", json={"cameras": ["roof"]}),
        _step("listVideos", "GET", "/v1/videos", "limited"),
        _step("listAuditEvents", "GET", "/v1/audit-events", "audit"),
    ]


class Rest(Entrance):
    """The API: never 500, answers as described, errors without paths, nothing foreign for a limited key.

    Requests follow each other in one gallery; now and then, and at the end, that is looked at as
    `sightline doctor --deep` does, with its audit trail.
    """

    name = "rest"
    seconds = 60.0
    memory_mib = 4096
    programs = True
    share = 0.08
    chunk = 10
    few = 2

    @classmethod
    def prepare(cls) -> None:
        template()
        photos()

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._world = World(folder)
        self._makers: dict[int, Maker] = {}
        self._played = 0

    def seeds(self) -> list[bytes]:
        return [json.dumps(one).encode() for one in (_story("all"), _story("limited"), _upkeep())]

    def change(self, shake: Shake, data: bytes, other: bytes) -> bytes:
        maker = self._makers.setdefault(id(shake), Maker(self._world.document, shake.random))
        steps: list[Json] = json.loads(data)
        for _ in range(shake.random.randint(1, 8)):
            at, change = shake.random.randrange(len(steps) + 1), shake.random.random()
            if change < 0.55:
                steps.insert(at, maker.request(shake))
            elif change < 0.65 and len(steps) > 1:
                steps.pop(at % len(steps))
            elif change < 0.75:
                steps[at % len(steps)] = {**steps[at % len(steps)], "key": shake.random.choice(KEYS)}
            elif change < 0.85:
                steps[at:at] = shake.random.choices(json.loads(other), k=2)
            else:
                steps[at % len(steps)] = maker.shaken({**steps[at % len(steps)]}, shake)
        return json.dumps([_kept(step) for step in steps[:LONGEST]]).encode()

    def check(self, data: bytes) -> Counter[str]:
        statuses: Counter[str] = Counter()
        for step in json.loads(data):
            statuses[f"{self._world.ask(step)}"] += 1
        self._played += 1
        if self._played % LOOKED_AT == 0 and (problems := self._world.problems()):
            raise Broken(f"after {LOOKED_AT} sequences: {problems[0]}")
        return statuses

    def leftovers(self) -> list[str]:
        return sorted(one.name for one in self.folder.iterdir() if one.name != "gallery")

    def close(self) -> list[str]:
        problems = self._world.problems()
        self._world.close()
        return [f"at the end: {one}" for one in problems]


def _kept(step: Json) -> Json:
    """A request that leaves the limited key's own group alone: else it may see what it may not."""
    if step.get("operation") in {"putCameraGroup", "deleteCameraGroup"} and "team" in json.dumps(step):
        return {**step, "path": "/v1/camera-groups/yard"}
    return step
