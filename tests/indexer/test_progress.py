"""Bars on a terminal."""

import io

from rich.console import Console

from indexer.progress import ConsoleProgress


def test_a_bar_for_each_recording_says_how_far_it_is() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with ConsoleProgress(console) as bars:
        first, second = bars.of("gate.mp4"), bars.of("yard.mp4")
        first.update("index", 0.25, {"frames_decoded": 100, "tracklets": 7})
        second.update("hash", 0.0, {})
        first.update("commit", 1.0, {"frames_decoded": 400, "tracklets": 9})
    assert isinstance(console.file, io.StringIO)
    shown = console.file.getvalue()
    assert "gate.mp4" in shown
    assert "yard.mp4" in shown
    assert "400 frames, 9 tracklets, commit" in shown
    assert "0 tracklets" not in shown  # of what nobody counts


def test_one_is_not_many() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=120)
    with ConsoleProgress(console) as bars:
        bars.of("gate.mp4").update("index", 0.5, {"frames_decoded": 1, "tracklets": 1})
    assert isinstance(console.file, io.StringIO)
    assert "1 frame, 1 tracklet, index" in console.file.getvalue()
