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


class Searcher:
    """Searches from a thread of its own.

    Attributes:
        right: answers that were right for the recordings that were visible.
        refused: how often which status came instead, or no answer at all.
        wrong: what must not happen.
    """

    def __init__(self, port: int, key: str, names: Mapping[str, str]) -> None:
        self.right = 0
        self.refused: Counter[str] = Counter()
        self.wrong: list[str] = []
        self._names = names
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

    def _run(self) -> None:
        photos = {colour: photo(colour) for scene in SCENES.values() for colour in scene}
        while not self._stop.is_set():
            for colour, jpeg in photos.items():
                self._ask(colour, jpeg)
                self._stop.wait(_PAUSE)

    def _ask(self, colour: Colour, jpeg: bytes) -> None:
        try:
            answer = self._client.post("/v1/searches", files={"file": ("p.jpg", jpeg, "image/jpeg")})
        except httpx2.HTTPError as error:
            self.refused[type(error).__name__] += 1
            return
        if answer.status_code == 201:
            self._look(colour, answer.json())
        else:
            self.refused[str(answer.status_code)] += 1
            if answer.status_code not in HONEST:
                self.wrong.append(f"{answer.status_code}: {answer.text[:500]}")

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
