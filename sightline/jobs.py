"""`sightline jobs`: jobs and their progress."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from gallery import GallerySettings, JobKind
from indexer.names import shown
from sightline.console import (
    AsJson,
    DataDir,
    local_time,
    open_gallery,
    output,
    print_json,
    print_line,
    print_note,
    print_table,
    read_settings,
)
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import CameraInfo, Gallery, JobInfo, RecordingInfo

app = typer.Typer(
    help="List, show, follow, cancel and retry jobs.", no_args_is_help=True, rich_markup_mode=None
)
JobId = Annotated[str, typer.Argument(metavar="ID", help="The job's id, as `sightline jobs list` shows it.")]

_LOOK_SECONDS: Final = 0.5
_UNFINISHED: Final = frozenset({"queued", "running"})


@app.command("list")
def list_jobs(
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the newest first.")] = 20,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List jobs, the newest first."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        jobs = gallery.jobs.list(limit=limit)
    if as_json:
        print_json([_without_recordings(job) for job in jobs])
        return
    rows = [
        {
            "id": job.id,
            "kind": job.kind.value,
            "filed_at": job.created_at,
            "state": _state(job),
            "done": f"{job.progress:.0%}",
            "left": _left(job),
        }
        for job in jobs
    ]
    print_table(rows, empty="No job yet: the page, the API, and `reindex` and `adapt` with --job file some.")


@app.command()
def show(job_id: JobId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show a job: the progress of its recordings, and why any was skipped or failed."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        job = gallery.jobs.get(job_id)
        if as_json:
            print_json(_without_recordings(job) | {"recordings": [asdict(r) for r in job.recordings]})
            return
        _show(gallery, job)


@app.command()
def cancel(job_id: JobId, data_dir: DataDir = None) -> None:
    """Cancel a job. Recordings that are already indexed stay."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        before = gallery.jobs.get(job_id)
        job = gallery.jobs.cancel(job_id)
    if before.state not in _UNFINISHED:
        print_line(f"The job had ended before: {job.state}.")
        return
    running = sum(recording.state == "running" for recording in job.recordings)
    print_line("The job is cancelled." + (f" {running} recordings in work stop soon." if running else ""))


@app.command()
def retry(job_id: JobId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """File the recordings of an index job that failed again, as another job.

    Left out is what was filed again already or is indexed by now, uploads whose file was deleted, and what
    `sightline index` read. Where none is left the command fails. `sightline reindex --job` files what a
    model still lacks.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        job = gallery.jobs.get(job_id)
        if job.kind != JobKind.INDEX:
            raise CommandError(f"job {job_id} indexes no recordings", "file it anew")
        outlived = gallery.failures.outlived(job.recordings)
        failed = [one for one in job.recordings if one.state == "failed" and one.id not in outlived]
        gone = [one for one in failed if one.owned and not Path(one.path).exists()]
        for one in gone if not as_json else []:
            print_note(f"left out: {shown(one.file_name)}: the uploaded file was deleted; upload it again")
        by_command = [one for one in failed if one.by_command]
        for one in by_command if not as_json else []:
            print_note(f"left out: {shown(one.file_name)}: `sightline index` read it; run that again")
        wanted = [one.id for one in failed if one not in gone and one not in by_command]
        if not wanted:
            raise CommandError(
                f"nothing of job {job_id} is to be tried again", f"sightline jobs show {job_id}"
            )
        again = gallery.failures.retry(job_id, wanted)
    if as_json:
        print_json(_without_recordings(again) | {"recordings": [asdict(r) for r in again.recordings]})
        return
    print_line(f"Job {again.id} has {len(wanted)} recordings.")


@app.command()
def failed(
    camera: Annotated[str | None, typer.Option(help="Of this camera only.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many, the last filed first.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List recordings that failed and were neither filed again nor indexed since, with the reason."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        camera_id = None if camera is None else gallery.catalogue.camera_named(camera).id
        found = gallery.failures.list(camera_id=camera_id, limit=limit)
        if as_json:
            print_json([asdict(one.recording) | {"job_id": one.job_id} for one in found])
            return
        rows = _rows(gallery, [one.recording for one in found])
    columns = ("recording", "camera", "local_start", "reason")
    print_table(
        [
            {"job": one.job_id, **{name: row[name] for name in columns}}
            for one, row in zip(found, rows, strict=True)
        ],
        empty="No recording has failed.",
    )


@app.command()
def follow(job_id: JobId, data_dir: DataDir = None) -> None:
    """Watch a job until it ends.

    Exits with 1 when one of its recordings failed or was cancelled. Ctrl-C stops watching; the job continues.
    """
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        job = _watch(gallery, job_id)
        _show(gallery, job)
    if job.state != "succeeded":
        raise typer.Exit(1)


def _watch(gallery: "Gallery", job_id: str) -> "JobInfo":
    """Draw a bar a recording until all have ended."""
    from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TextColumn("{task.fields[state]}"), console=output) as bars:
        job = gallery.jobs.get(job_id)
        tasks = [bars.add_task(shown(r.file_name), total=1.0, state=r.state) for r in job.recordings]
        while True:
            for task, recording in zip(tasks, job.recordings, strict=True):
                bars.update(task, completed=recording.progress, state=recording.stage or recording.state)
            if job.state not in _UNFINISHED:
                return job
            time.sleep(_LOOK_SECONDS)
            job = gallery.jobs.get(job_id)


def _show(gallery: "Gallery", job: "JobInfo") -> None:
    print_line(f"Job {job.id}: {_state(job)}, {job.progress:.0%} done{_left(job) and f', {_left(job)} left'}")
    print_table(_rows(gallery, job.recordings))


def _rows(gallery: "Gallery", recordings: "Sequence[RecordingInfo]") -> list[dict[str, object]]:
    cameras: dict[int | None, CameraInfo] = {camera.id: camera for camera in gallery.catalogue.cameras()}
    rows = list[dict[str, object]]()
    for recording in recordings:
        camera, start = cameras.get(recording.camera_id), recording.start_time
        rows.append(
            {
                "recording": recording.file_name,
                "camera": camera and camera.name,
                "local_start": start and camera and local_time(start, camera.time_zone),
                "state": recording.state,
                "done": f"{recording.progress:.0%}",
                "reason": recording.reason,
            }
        )
    return rows


def _without_recordings(job: "JobInfo") -> dict[str, object]:
    return {name: value for name, value in asdict(job).items() if name != "recordings"}


def _state(job: "JobInfo") -> str:
    return f"{job.state}, to be cancelled" if job.cancel_requested and job.state in _UNFINISHED else job.state


def _left(job: "JobInfo") -> str:
    """The time that is left, in hours and minutes; empty where it is unknown or none."""
    if not job.eta_seconds:
        return ""
    minutes, seconds = divmod(round(job.eta_seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"
