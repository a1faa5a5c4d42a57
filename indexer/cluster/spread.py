"""A recording that several actors look at: their runs of frames in order, as one machine finds them."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Final

from indexer.cluster.crew import Crew
from indexer.cluster.messages import Ended, Opened, Order, Part, Run
from indexer.cluster.pool import Asked, Remote, RemoteLost
from indexer.counters import Counters
from indexer.decode import Statistics
from indexer.errors import NotOnNode, UnreadableRecording
from indexer.flow import Flow, Pipe
from indexer.names import shown
from indexer.sampling import CutFrame
from models.detector import Detections

FOUND_FRAMES: Final = 64  # that may wait to be tracked


@dataclass(slots=True)
class _Share:
    """A part of the recording, who looks at it, and what was asked of them last; `key` names it there."""

    part: Part
    remote: Remote
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    opened: bool = False
    asked: Asked | None = None


class Spread:
    """A recording that a crew looks at: a Source.

    Each member decodes all of it, and looks at every n-th run of frames: times, damage and sampling
    are those of one machine, whichever actor looks, and results come in order without much waiting.

    Args:
        path: of the recording.
        order: what the actors open.
        crew: who looks.
    """

    def __init__(self, path: Path, order: Order, crew: Crew) -> None:
        self.path, self.statistics = path, Statistics()
        self.track = 0
        self.expected_duration_us: int | None = None
        self._order, self._crew = order, crew
        self._shares = [_Share(Part(), crew.first)]

    def open(self) -> None:
        """Open it by the first actor. Raises UnreadableRecording, and as `Crew.instead_of`."""
        opened = self._with_another(self._shares[0], self._begin)
        self.track, self.expected_duration_us = opened.track, opened.expected_duration_us

    def close(self) -> None:
        """Let the actors leave the recording."""
        for share in self._shares:
            self._leave(share)

    def look(self, flow: Flow, counters: Counters) -> Pipe[tuple[CutFrame, Detections]]:
        """See indexer.looking.Source."""
        found: Pipe[tuple[CutFrame, Detections]] = flow.pipe(
            FOUND_FRAMES, bytes_of=lambda one: one[0].nbytes, most_bytes=1 << 27
        )
        self._crew.check, self._crew.waited = flow.check, flow.has_waited
        flow.stage("gather", lambda: self._gather(flow, counters, found), out=found)
        return found

    def _gather(self, flow: Flow, counters: Counters, out: Pipe[tuple[CutFrame, Detections]]) -> None:
        """Bring the runs of all shares into order."""
        members = self._crew.members
        first = self._shares[0]
        first.part = Part(0, len(members))
        others = [one for one in members if one is not first.remote]
        self._shares += [_Share(Part(n, len(members)), one) for n, one in enumerate(others, start=1)]
        for share in self._shares:
            self._with_another(share, self._ask)
        for number in count():
            share = self._shares[number % len(self._shares)]
            run = self._next(share, flow)
            if isinstance(run, Ended):
                self._end(share, run, flow)
                return
            share.part = Part(share.part.number, share.part.of, number + 1)
            for frame, detections in run.frames:
                counters.frames_detected += 1
                counters.detections += len(detections.scores)
                out.put((_own(frame), detections))

    def _next(self, share: _Share, flow: Flow) -> Run | Ended:
        """The next run of a share, and ask for the one after it."""
        run: Run | Ended = self._with_another(share, self._answer)
        for stage, seconds in run.seconds.items():
            flow.add_seconds(stage, seconds)
        if isinstance(run, Run):
            share.asked = None
            statistics = self.statistics
            statistics.frames_decoded = max(statistics.frames_decoded, run.frames_decoded)
            statistics.frames_bad = max(statistics.frames_bad, run.frames_bad)
            self._ask_ahead(share)
        return run

    def _end(self, share: _Share, ended: Ended, flow: Flow) -> None:
        """All have read to the end; what they say of the recording must be the same."""
        for other in self._shares:
            said = ended if other is share else self._next(other, flow)
            if not isinstance(said, Ended) or said.statistics != ended.statistics:
                nodes = f"{share.remote.where} and {other.remote.where}"
                raise UnreadableRecording(f"{shown(self._order.name)}: nodes {nodes} decode it differently")
        for name in Statistics.__slots__:
            setattr(self.statistics, name, getattr(ended.statistics, name))

    def _with_another(self, share: _Share, action: Callable[[_Share], Any]) -> Any:
        """Do something with a share's actor, and if that is lost, all of it again with another."""
        while True:
            try:
                return action(share)
            except (RemoteLost, NotOnNode) as error:
                self._leave(share)
                share.asked, share.opened = None, False
                share.remote = self._crew.instead_of(share.remote, error)

    def _begin(self, share: _Share) -> Opened:
        """Let the share's actor open the recording, once it has it."""
        share.opened = True  # so that the actor is told if nobody wants it any more
        while not self._crew.answer(share.remote.ask("bring", share.key, self._order), share.remote):
            pass  # each answer is a sign of life
        opened: Opened = self._crew.answer(share.remote.ask("open", share.key, self._order), share.remote)
        return opened

    def _ask(self, share: _Share) -> None:
        """Make sure that the share's next run was asked for."""
        if share.asked is not None:
            return
        if not share.opened:
            self._begin(share)
        self._crew.answer(share.remote.ask("look", share.key, share.part), share.remote)
        share.asked = share.remote.ask("take", share.key)

    def _answer(self, share: _Share) -> Run | Ended:
        self._ask(share)
        assert share.asked is not None
        answer: Run | Ended = self._crew.answer(share.asked, share.remote)
        return answer

    def _ask_ahead(self, share: _Share) -> None:
        try:
            share.asked = share.remote.ask("take", share.key)
        except RemoteLost:
            share.opened = False  # the next answer finds another

    def _leave(self, share: _Share) -> None:
        if share.opened:
            try:
                share.remote.ask("close", share.key)
            except RemoteLost:
                return


def _own(frame: CutFrame) -> CutFrame:
    """The frame with crops of its own: those that came lie in memory of the whole message."""
    crops = {
        box: None if cut is None else replace(cut, crop=cut.crop.copy()) for box, cut in frame.crops.items()
    }
    return CutFrame(frame.index, frame.time_us, crops)
