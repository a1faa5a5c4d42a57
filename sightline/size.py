"""`sightline size`: what a number of cameras needs."""

from dataclasses import asdict
from typing import Annotated

import typer

from sightline.console import AsJson, print_json, print_line, print_table
from sightline.sizing import Machine, Needs, Resolution, Site, needs_of

GIB = 1 << 30


def size(
    cameras: Annotated[int, typer.Option(min=1, help="How many.")],
    days: Annotated[float, typer.Option(min=0.01, help="For how many recordings are kept.")],
    people_per_hour: Annotated[
        float, typer.Option(min=0, help="Who walk past one camera, in the mean over the hours recorded.")
    ],
    *,
    seconds_in_view: Annotated[float, typer.Option(min=0.5, help="Of one of them.")] = 15.0,
    hours_a_day: Annotated[float, typer.Option(min=0.1, max=24, help="That each camera records.")] = 24.0,
    resolution: Annotated[Resolution, typer.Option(help="Of the recordings.")] = "1080p",
    fps: Annotated[float, typer.Option(min=0.1, max=240, help="Frames a second of the recordings.")] = 25.0,
    megabits: Annotated[float, typer.Option(min=0.01, help="A second of one recording.")] = 4.0,
    cores: Annotated[int | None, typer.Option(min=1, help="Of one machine.")] = None,
    memory: Annotated[float | None, typer.Option(min=0.1, help="Of one machine, in GiB.")] = None,
    as_json: AsJson = False,
) -> None:
    """Reckon cores, memory and disk from costs that were measured; docs/sizing.md says how far they carry."""
    site = Site(
        cameras=cameras,
        days=days,
        people_per_hour=people_per_hour,
        seconds_in_view=seconds_in_view,
        hours_a_day=hours_a_day,
        resolution=resolution,
        fps=fps,
        megabits=megabits,
    )
    needs = needs_of(site, Machine(cores, None if memory is None else memory * GIB))
    if as_json:
        print_json({"site": asdict(site), "needs": asdict(needs)})
        return
    print_table([{"what": what, "how much": much, "why": why} for what, much, why in _rows(needs)], empty="")
    if needs.machines is not None:
        print_line(f"Machines for indexing: {needs.machines}. One holds all vectors and answers searches.")
    if needs.too_little:
        print_line(f"One machine has too little: {', '.join(needs.too_little)}.")
    print_line("By arithmetic from measured costs, not by a trial at this size: see docs/sizing.md.")


def _rows(needs: Needs) -> list[tuple[str, str, str]]:
    stages = ", ".join(f"{stage} {seconds:.0f}" for stage, seconds in needs.index_seconds.items())
    return [
        ("tracklets", f"{needs.tracklets:,}", f"in {needs.clips:,} clips"),
        (
            "cores for indexing",
            f"{needs.cores:.1f}",
            f"one core does {needs.times_real_time:.1f} times real time; CPU seconds an hour: {stages}",
        ),
        ("memory", _bytes(needs.memory_bytes), "vectors, a server and a worker"),
        ("disk, gallery", _bytes(needs.gallery_bytes), "rows, vectors, strips"),
        ("disk, recordings", _bytes(needs.media_bytes), "if they are kept as long"),
        (
            "one search of all",
            f"{needs.search_seconds:.2f} s",
            f"exact, on one core; {needs.searches_a_second:.2g} a second and core",
        ),
    ]


def _bytes(count: float) -> str:
    for unit in ("MiB", "GiB", "TiB"):
        count /= 1024 if unit != "MiB" else 1 << 20
        if count < 1000 or unit == "TiB":
            break
    return f"{count:,.1f} {unit}"
