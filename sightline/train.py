"""`sightline train`: train a network on a data set by a recipe."""

import os
from pathlib import Path
from typing import Annotated

import typer

from sightline.console import print_line
from sightline.progress import progress_bars


def train(
    config: Annotated[str, typer.Argument(help="A shipped recipe's name, or a YAML file.")],
    *,
    dataset: Annotated[str, typer.Option(help="Kind of data set: simulated, mars, ...")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    out: Annotated[Path, typer.Option(help="Folder of the run: log, state, and model/ at the end.")],
    overrides: Annotated[
        list[str] | None, typer.Option("--set", help="KEY=VALUE of the recipe; may be repeated.")
    ] = None,
    split: Annotated[int, typer.Option(min=0, help="Which split of the data set, from 0.")] = 0,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run in --out where it stopped.")
    ] = False,
    finish: Annotated[
        bool, typer.Option("--finish", help="Stop training and save the current model of the run in --out.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads of CPU arithmetic.")] = None,
) -> None:
    """Train a network; the result is a checkpoint that --model and SIGHTLINE_MODEL accept.

    Start it with torchrun to train on several GPUs.
    """
    import torch

    from models import datasets
    from models.training.objectives import OBJECTIVES
    from models.training.recipe import read_recipe
    from models.training.train import train as run

    if threads is not None:
        torch.set_num_threads(threads)
    recipe = read_recipe(config, overrides or ())
    chosen = datasets.load(dataset, root).only(split)
    needs_captions = OBJECTIVES[recipe.network].needs_captions
    captions = datasets.captions(dataset, root) if needs_captions else None
    # Of the processes that torchrun starts only the first shows anything.
    first = os.environ.get("RANK", "0") == "0"
    with progress_bars(shown=first) as bars:
        task = bars.add_task("loss -", total=None)
        model = run(
            recipe,
            chosen.splits[0].train,
            out,
            dataset=chosen.name,
            root=root,
            device=device,
            resume=resume,
            finish=finish,
            captions=captions,
            advance=lambda step, steps, loss: bars.update(
                task, description=f"loss {loss:.3f}", completed=step, total=steps
            ),
        )
    if first:
        print_line(f"Model: {model}")
