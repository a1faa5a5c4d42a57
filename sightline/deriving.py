"""`sightline models average` and `whiten`: models that are computed from others."""

from pathlib import Path
from typing import Annotated

import typer

from gallery import GallerySettings
from sightline.console import DataDir, print_line, read_settings
from sightline.failures import CommandError
from sightline.naming import located
from sightline.progress import StageBars, progress_bars

Out = Annotated[Path, typer.Option(help="New folder for it.")]
Name = Annotated[str, typer.Option(help="Of the result.")]


def average(
    of: Annotated[
        list[str], typer.Argument(help="Names of models, or folders of checkpoints.", metavar="MODEL...")
    ],
    *,
    name: Name,
    out: Out,
    share: Annotated[
        list[float] | None, typer.Option(help="Of each model, in their order [default: equal ones].")
    ] = None,
    data_dir: DataDir = None,
) -> None:
    """Write the model whose weights are the mean of others that were trained on from the same one.

    Often it finds more people than each of them, above all on cameras unlike those they learnt from.
    """
    from models import checkpoint, zoo
    from models.averaging import average as averaged

    _check_new(out)
    settings = read_settings(GallerySettings, data_dir=data_dir)
    loaded = [zoo.load(located(model, settings)) for model in of]
    network, card = averaged(loaded, share or [1.0] * len(loaded), name)
    made = checkpoint.save(out, network, card, half=True)
    print_line(f"{name} ({made[:12]}) is in {out}: the mean of {len(loaded)} models.")


def whiten(
    model: Annotated[str, typer.Argument(help="Name of a model, or folder of a checkpoint.")],
    *,
    dataset: Annotated[str, typer.Option(help="Kind of data set: simulated, mars, ...")],
    root: Annotated[Path, typer.Option(help="Folder of the data set.")],
    name: Name,
    out: Out,
    dimension: Annotated[int, typer.Option(min=1, help="Numbers a feature has then.")] = 512,
    attenuation: Annotated[
        float, typer.Option(min=0, max=1, help="0 only cuts dimensions off, 1 whitens wholly.")
    ] = 0.5,
    shrinkage: Annotated[
        float, typer.Option(min=0, max=100, help="Mean variances added to that of each direction.")
    ] = 1.0,
    people: Annotated[int, typer.Option(min=2, help="Training people whose crops are taken.")] = 1500,
    crops: Annotated[int, typer.Option(min=1, help="Of each.")] = 6,
    data_dir: DataDir = None,
) -> None:
    """Write a model whose features are projected to fewer numbers, in which no few directions decide.

    No training: the directions are those of the data set's training people. Often it finds more people than
    the model it is made of; search is faster and galleries are smaller by as much as the numbers are fewer.
    """
    from models import checkpoint, datasets, zoo
    from models.evaluation.splits import fair
    from models.training.loading import fingerprint
    from models.whitening import choose_crops
    from models.whitening import whiten as whitened

    _check_new(out)
    loaded = zoo.load(located(model, read_settings(GallerySettings, data_dir=data_dir)))
    chosen_set = fair(datasets.load(dataset, root), loaded).only(0)
    tracklets = chosen_set.splits[0].train
    chosen = choose_crops(tracklets, people=people, each=crops)
    facts = {"dataset": chosen_set.name, "data_sha256": fingerprint(tracklets), "crops_each": crops}
    with progress_bars() as bars:
        told = StageBars(bars, "embedding")
        network, card = whitened(
            loaded,
            chosen,
            name,
            facts,
            dimension=dimension,
            attenuation=attenuation,
            shrinkage=shrinkage,
            advance=lambda done, total: told("crops", done, total),
        )
    made = checkpoint.save(out, network, card, half=True)
    print_line(f"{name} ({made[:12]}) is in {out}: {dimension} numbers a person, from {len(chosen)} crops.")


def _check_new(out: Path) -> None:
    if out.exists():
        raise CommandError(f"{out} is there already", "name a new folder")
