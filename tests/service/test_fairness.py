"""One key floods the service with work that takes long, and another asks once."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from service import calibrating, clipping
from service.erasure import targets
from service.errors import InvalidRequest, RecordingUnavailable
from tests.service.conftest import Archive, upload
from tests.service.searches.asking import search
from tests.service.videos import BLUE, GREEN, RED, scene
from tests.waiting import PATIENCE, until

Json = dict[str, Any]
FLOOD = 4


class Dam:
    """Work that begins and goes on when it is let, and then fails with an error."""

    def __init__(self, error: Exception, when: Callable[..., bool] = lambda *_, **__: True) -> None:
        self.begun = 0
        self.go_on = threading.Event()
        self._error, self._when = error, when

    def before(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """The same work, of which some waits."""

        def waits(*args: Any, **named: Any) -> Any:
            if not self._when(*args, **named):
                return work(*args, **named)
            self.begun += 1
            assert self.go_on.wait(PATIENCE)
            raise self._error

        return waits

    @contextmanager
    def flooded(self, ask: Callable[[int], Response]) -> Iterator[list[Response]]:
        """Ask often at once; what was answered is known at the end."""
        answers: list[Response] = []
        with ThreadPoolExecutor(FLOOD) as pool:
            flood = [pool.submit(ask, number) for number in range(FLOOD)]
            try:
                until(lambda: self.begun)
                yield answers
            finally:
                self.go_on.set()
            answers += [one.result() for one in flood]


@pytest.mark.parametrize("wanted", ["tracklets", "recordings", "packages"])
def test_clips_of_one_key_do_not_hold_up_those_of_another(
    client: TestClient, other: TestClient, archive: Archive, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    gate, yard = (archive.videos[name].id for name in ("gate", "yard"))
    dam = Dam(RecordingUnavailable("in vain"), lambda *_, video, **__: video.id == gate)
    monkeypatch.setattr(clipping, "cut", dam.before(clipping.cut))
    asked = {
        "tracklets": f"/v1/tracklets/{archive.tracklets['gate', RED]}/clip?padding=",
        "recordings": f"/v1/videos/{gate}/clip?offset=",
    }
    if wanted == "packages":
        found = search(client, upload(client, scene((GREEN, 20, 60))), cameras=["gate"])
        asked[wanted] = f"/v1/searches/{found['id']}/evidence?hits="
    found = search(other, upload(other, scene((BLUE, 20, 60))), cameras=["yard"], limit=1)
    with dam.flooded(lambda number: client.get(f"{asked[wanted]}{number + 1}")) as flood:
        for path in (
            f"/v1/tracklets/{archive.tracklets['yard', BLUE]}/clip",
            f"/v1/videos/{yard}/clip",
            "/v1/media/start?path=yard.mp4",
            f"/v1/searches/{found['id']}/evidence?hits=1",
        ):
            assert other.get(path).status_code == 200, path
        assert dam.begun == 1, "the others wait, though there is room"
    assert [one.status_code for one in flood] == [200 if wanted == "packages" else 410] * FLOOD


@pytest.mark.parametrize(
    ("path", "body", "where", "name"),
    [
        ("/v1/calibrations", {}, calibrating, "calibrate"),
        ("/v1/erasures/plan", {"camera": "gate"}, targets, "listed"),
    ],
)
def test_work_of_minutes_holds_up_no_search(
    client: TestClient,
    other: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: Json,
    where: object,
    name: str,
) -> None:
    dam = Dam(InvalidRequest("in vain", "path"))
    monkeypatch.setattr(where, name, dam.before(getattr(where, name)))
    with dam.flooded(lambda _: client.post(path, json=body)) as flood:
        for asker in (other, client):
            assert search(asker, upload(asker, scene((RED, 20, 60))))["hits"]
        assert dam.begun == 1
    assert [one.status_code for one in flood] == [422] * FLOOD
