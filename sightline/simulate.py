"""`sightline simulate`: recordings and training pictures of simulated people, with ground truth."""

import importlib.util
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.console import print_line
from sightline.failures import CommandError
from sightline.progress import progress_bars

if TYPE_CHECKING:
    from simulation.identity import Identity

app = typer.Typer(
    help="Make recordings and training pictures of simulated people.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Preset = Annotated[str, typer.Option(help="What to make; docs/simulation.md lists the presets.")]
Out = Annotated[Path | None, typer.Option(help="Folder to write to [default: out/KIND-PRESET].")]
WardrobeDir = Annotated[
    Path | None, typer.Option("--wardrobe", help="Folder with MakeHuman clothes and hair to wear.")
]
PeopleDir = Annotated[
    Path | None, typer.Option("--people", help="Folder with photographed figures to draw some people from.")
]
Seed = Annotated[int | None, typer.Option(min=0, help="Another seed makes another world.")]
Identities = Annotated[int | None, typer.Option(min=1, help="How many people.")]
Processes = Annotated[int | None, typer.Option(min=1, help="How many processes draw [default: one a core].")]
Preview = Annotated[Path | None, typer.Option(help="Also draw the first people into this picture file.")]


@app.command()
def recordings(
    *,
    preset: Preset = "sample",
    out: Out = None,
    wardrobe: WardrobeDir = None,
    seed: Seed = None,
    identities: Identities = None,
    processes: Processes = None,
    preview: Preview = None,
) -> None:
    """Film people who pass several cameras: videos, MOTChallenge ground truth, captions, probe photos.

    An interrupted run goes on where it stopped when it is started again.
    """
    _need_renderer()
    from simulation.recordings import PRESETS, draw_world_of, simulate_recordings

    wanted = _chosen(PRESETS, preset, seed=seed, people=identities)
    folder = out or Path("out") / f"recordings-{preset}"
    if preview is not None:
        _draw(draw_world_of(wanted, wardrobe).people, preview)
    made = _run(
        f"{wanted.cameras} cameras",
        wanted.cameras,
        lambda advance: simulate_recordings(
            folder, wanted, wardrobe=wardrobe, processes=processes, advance=advance
        ),
    )
    print_line(f"{wanted.cameras} recordings, described in {made}")


@app.command()
def tracklets(
    *,
    preset: Preset = "small",
    out: Out = None,
    wardrobe: WardrobeDir = None,
    people: PeopleDir = None,
    seed: Seed = None,
    identities: Identities = None,
    processes: Processes = None,
    preview: Preview = None,
    truth: Annotated[bool, typer.Option("--truth", help="Write the body part of each pixel too.")] = False,
) -> None:
    """Make tracklets in the layout of MARS, to train and to test with.

    With --identities at most a third of them is kept for testing. An interrupted run goes on.
    """
    _need_renderer()
    from simulation.avatars import People
    from simulation.cast import draw_cast
    from simulation.closet import Wardrobe
    from simulation.presets import PRESETS
    from simulation.tracklets import simulate_tracklets

    wanted = _chosen(PRESETS, preset, seed=seed, truth=truth or None)
    if identities is not None:
        wanted = wanted.resized(identities)
    folder = out or Path("out") / f"tracklets-{preset}"
    if preview is not None:
        _draw(draw_cast(wanted, 0, Wardrobe(wardrobe), People(people)), preview)
    made = _run(
        f"{wanted.identities} people",
        wanted.identities,
        lambda advance: simulate_tracklets(
            folder, wanted, wardrobe=wardrobe, people=people, processes=processes, advance=advance
        ),
    )
    print_line(f"Tracklets of {wanted.identities} people, listed in {made}")


def _need_renderer() -> None:
    if importlib.util.find_spec("moderngl") is None:
        raise CommandError("the simulation is not installed", "pip install --editable '.[simulation]'")
    from simulation.programs import open_context

    open_context().release()


def _chosen(presets: dict[str, Any], name: str, **changes: int | None) -> Any:
    """The preset of a name with the values that were given. Raises CommandError."""
    if name not in presets:
        raise CommandError(f"no preset {name!r}", f"choose one of {', '.join(presets)}")
    return replace(presets[name], **{key: value for key, value in changes.items() if value is not None})


def _draw(people: "list[Identity] | tuple[Identity, ...]", preview: Path) -> None:
    from simulation.preview import contact_sheet

    contact_sheet(people, preview)
    print_line(f"Preview: {preview}")


def _run(what: str, total: int, work: Callable[[Callable[[int], None]], Path]) -> Path:
    """Do the work under a progress bar."""
    with progress_bars() as bars:
        task = bars.add_task(what, total=total)
        return work(lambda count: bars.advance(task, count))
