"""Somebody who searches all the while, and looks at every answer."""

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx2

from tests.chaos.scenes import ALIKE, SCENES, Colour, photo
from tests.waiting import PATIENCE

HONEST = {503, 507}  # what a service may answer while something is broken: unavailable, or a full disk
_PAUSE = 0.05
_ANEW = 4  # a photo is uploaded for every so many searches; the others are for a photo of before


class Searcher:
    """Searches from a thread of its own.

    Attributes:
        asking: a request is under way.
        right: answers that were right for the recordings that were visible.
        refused: how often which status came instead, or no answer at all.
        wrong: what must not happen.
    """

    def __init__(self, port: int, key: str, names: Mapping[str, str]) -> None:
        self.asking = False
        self.right = 0
        self.refused: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._names = names
        self._asked = 0
        self._probes: dict[Colour, str] = {}
        self._stop = threading.Event()
        headers = {"X-API-Key": key}
        self._client = httpx2.Client(base_url=f"http://127.0.0.1:{port}", headers=headers, timeout=60.0)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Search until the block ends."""
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join(PATIENCE)
            self._client.close()

    def forget(self) -> None:
        """Upload photos anew: those of before may be gone."""
        self._probes.clear()

    def _run(self) -> None:
        photos = {colour: photo(colour) for scene in SCENES.values() for colour in scene}
        while not self._stop.is_set():
            for colour, jpeg in photos.items():
                self._ask(colour, jpeg)
                self._stop.wait(_PAUSE)

    def _ask(self, colour: Colour, jpeg: bytes) -> None:
        self.asking = True
        try:
            answer = self._search(colour, jpeg)
        except httpx2.HTTPError as error:
            self.refused[type(error).__name__] += 1
            return
        finally:
            self.asking = False
        if answer.status_code == 201:
            found = answer.json()
            self._probes[colour] = found["probe"]["id"]
            self._look(colour, found)
        else:
            self.refused[str(answer.status_code)] += 1
            if answer.status_code not in HONEST:
                self.wrong.append(f"{answer.status_code}: {answer.text[:500]}")

    def _search(self, colour: Colour, jpeg: bytes) -> httpx2.Response:
        self._asked += 1
        probe = self._probes.get(colour)
        if probe is not None and self._asked % _ANEW:
            return self._client.post("/v1/searches", json={"probes": [{"probe_id": probe}]})
        return self._client.post("/v1/searches", files={"file": ("p.jpg", jpeg, "image/jpeg")})

    def _look(self, colour: Colour, answer: Mapping[str, Any]) -> None:
        """Whole videos only, best first, and those alike that wear the colour."""
        hits = answer["hits"]
        visible = {hit["video_id"] for hit in hits}
        alike = sorted(hit["video_id"] for hit in hits if hit["score"] > ALIKE)
        scores = [hit["score"] for hit in hits]
        expected = sorted(video for video in visible if colour in SCENES[self._names[video]])
        if (len(hits), alike, scores) == (2 * len(visible), expected, sorted(scores, reverse=True)):
            self.right += 1
        else:
            self.wrong.append(f"an answer with {len(hits)} hits, alike {alike}, of {sorted(visible)}")
