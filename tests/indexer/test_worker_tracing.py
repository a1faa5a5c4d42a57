"""What traces tell of jobs: kinds, stages, outcomes, and no recording's name."""

from pathlib import Path

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gallery import Gallery, tracing
from tests.indexer.test_worker import file_job, run_once


def test_a_recording_is_a_span_with_its_stages(
    sqlite_gallery: Gallery, crowd_video: Path, tmp_path: Path
) -> None:
    exporter = InMemorySpanExporter()
    tracing.begin_with(exporter, "tests")
    try:
        job = file_job(sqlite_gallery, crowd_video, tmp_path / "Jane.mp4")
        run_once(sqlite_gallery)
    finally:
        tracing.end()
    found = exporter.get_finished_spans()
    done, failed = (one for one in found if one.name == "job.index")
    parts = {one.name for one in found if one.parent and one.parent.span_id == done.context.span_id}
    assert parts == {"index.hash", "index.index", "index.commit"}
    assert done.attributes is not None
    assert done.attributes["sightline.job.outcome"] == "succeeded"
    assert done.attributes["sightline.job.attempt"] == 1
    assert {f"sightline.seconds.{stage}" for stage in ("decode", "detect", "embed")} <= set(done.attributes)
    assert failed.attributes is not None
    assert failed.attributes["error.type"] == "UnreadableRecording"
    said = "".join(one.to_json() for one in found)
    names = ["Jane", crowd_video.name, job.id, *(one.id for one in job.recordings)]
    assert [name for name in names if name in said] == []
