"""`sightline evaluate`: figures of a model on a data set."""

import importlib.metadata
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.client import Client
from sightline.console import DataDir, output, print_line, print_note, print_table, read_settings
from sightline.failures import CommandError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from models.datasets.records import Dataset
    from models.embedder import Embedder
    from models.evaluation.album import Album
    from models.evaluation.bootstrap import Interval
    from models.evaluation.comparison import Comparison, Judged
    from models.evaluation.evaluate import Rerank, Seen
    from models.evaluation.protocols import EvaluationProtocol
    from models.evaluation.report import Evaluation, Figures
    from models.networks.network import Network
    from models.zoo import LoadedModel


class Protocols(StrEnum):
    """Values of --protocol."""

    I2V = "i2v"
    V2V = "v2v"
    I2I = "i2i"
    ALL = "all"


def evaluate(
    *,
    dataset: Annotated[str, typer.Option(help="Which data set; docs/commands.md lists them.")],
    root: Annotated[Path, typer.Option(help="Folder it lies in.")],
    model: Annotated[
        str | None,
        typer.Option(help="Name of a model, or folder of a checkpoint [default: the shipped one]."),
    ] = None,
    protocol: Annotated[
        Protocols, typer.Option(help="Image (i) or video (v) network, for the queries, then the gallery.")
    ] = Protocols.I2V,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write all figures to this file.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also draw CMC curves and ranked lists here.")
    ] = None,
    picture_queries: Annotated[
        int, typer.Option(min=1, max=100, help="How many queries a picture of ranked lists shows.")
    ] = 10,
    rerank: Annotated[bool, typer.Option("--rerank", help="Also judge re-ranked lists.")] = False,
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="MODEL|FILE",
            help="Compare with another model, or with figures that --json wrote, query by query; may be "
            "repeated: then with the mean of these (seeds of one recipe).",
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda:N.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32 or bf16.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="Threads on a CPU [default: torch's].")] = None,
    through_service: Annotated[
        str | None, typer.Option(metavar="URL", help="Import the gallery and ask a running service instead.")
    ] = None,
    key: Annotated[str | None, typer.Option(envvar="SIGHTLINE_API_KEY", help="That service's key.")] = None,
    data_dir: DataDir = None,
) -> None:
    """Judge a model on a data set.

    Prints rank-k, both mean average precisions, mINP, verification and open-set rates in percent, with 95 %
    intervals. The file is written after each protocol, pictures are drawn at the end.
    """
    if json_file is not None:
        _check_place(json_file)
    if through_service is not None and (rerank or protocol is not Protocols.I2V):
        raise CommandError("the service ranks by I2V only", "leave --protocol and --rerank out")
    if through_service is not None and against:
        raise CommandError("--against embeds by itself", "leave --through-service out")
    client = None if through_service is None else Client(through_service, key)
    settings = read_settings(GallerySettings, data_dir=data_dir)
    album = None if pictures is None else _album(pictures, picture_queries)
    seen = None if album is None else album.see
    from models import zoo
    from models.datasets import STANDARD, load
    from models.embedder import Embedder

    judged = load(dataset, root)
    standard = load(STANDARD[dataset], root) if dataset in STANDARD else None
    loaded = zoo.load(zoo.DEFAULT if model is None else model)
    make = partial(Embedder, device=device, precision=precision, threads=threads)
    embedder = make(loaded)
    reranks = loaded.network if rerank else None
    with _bars() as bars:
        others = [
            _judged(other, make, judged, protocol, _Bar(bars), standard=standard) for other in against or ()
        ]
        found, comparisons = [], []
        for evaluation in (
            _offline(embedder, judged, protocol, _Bar(bars), standard=standard, network=reranks, seen=seen)
            if client is None
            else _through(client, settings, embedder, judged, root=root, bar=_Bar(bars), seen=seen)
        ):
            found.append(evaluation)
            extra = evaluation.dataset != judged.name
            if others and (comparison := _compared(evaluation, others, optional=extra)) is not None:
                comparisons.append(comparison)
            if json_file is not None:
                _write(json_file, found, comparisons, embedder, through_service)
    _show(found, embedder.warning)
    if comparisons:
        _show_comparisons(comparisons)
    if album is not None:
        _draw(album, found)


def _offline(
    embedder: "Embedder",
    dataset: "Dataset",
    protocol: Protocols,
    bar: "_Bar",
    *,
    standard: "Dataset | None",
    network: "Network | None",
    seen: "Seen | None",
) -> "Iterator[Evaluation]":
    from gallery import RankBy, standard_scores
    from models.evaluation.evaluate import evaluate as judge
    from models.evaluation.evaluate import several_cameras
    from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures

    features = TrackletFeatures(embedder, bar)
    for one in EvaluationProtocol if protocol is Protocols.ALL else [EvaluationProtocol(protocol.value)]:
        rerank = None if network is None else _reranking(network, one)
        yield judge(features, dataset, one, rerank=rerank, seen=seen)
        if several_cameras(dataset):
            yield judge(features, dataset, one, score=(RankBy.STANDARD_SCORE, standard_scores))
        if one is EvaluationProtocol.I2I and standard is not None:  # as papers report it, picture by picture
            yield judge(features, standard, one, rerank=rerank)


def _judged(
    model: str,
    make: "Callable[[LoadedModel], Embedder]",
    dataset: "Dataset",
    protocol: Protocols,
    bar: "_Bar",
    *,
    standard: "Dataset | None",
) -> "list[Judged]":
    """Another model's answers to the same queries: from a file of figures, or by evaluating it now."""
    from models import zoo
    from models.evaluation.comparison import Judged, read_judged

    if Path(model).is_file():
        return read_judged(Path(model))
    offline = _offline(
        make(zoo.load(model)), dataset, protocol, bar, standard=standard, network=None, seen=None
    )
    return [Judged.of(evaluation) for evaluation in offline]


def _compared(
    evaluation: "Evaluation", others: "Sequence[Sequence[Judged]]", *, optional: bool
) -> "Comparison | None":
    """None if one of the others lacks what is optional, or knows cosines only, as older files do.

    Raises:
        CommandError: one of the others was not judged by this protocol.
        BadDataset: as `compare`.
    """
    from models.evaluation.comparison import Judged, compare

    basis = (evaluation.dataset, evaluation.protocol, evaluation.ranked_by)
    found = [
        [one for one in other if (one.dataset, one.protocol, one.ranked_by) == basis] for other in others
    ]
    if not all(found) and (optional or evaluation.ranked_by != "cosine"):
        return None
    if not all(found):
        raise CommandError(
            f"a file of --against has no figures by {evaluation.protocol} of {evaluation.dataset}",
            "write it with this --protocol and --dataset",
        )
    return compare([Judged.of(evaluation)], [other[0] for other in found])


def _through(
    client: "Client",
    settings: "GallerySettings",
    embedder: "Embedder",
    dataset: "Dataset",
    *,
    root: Path,
    bar: "_Bar",
    seen: "Seen | None",
) -> "Iterator[Evaluation]":
    from gallery import Gallery
    from sightline.through_service import evaluate_through

    # One that is not there yet cannot be the service's: it is not made on the spot.
    with Gallery.open(settings) as gallery:
        yield from evaluate_through(client, gallery, embedder, dataset, root=root, progress=bar, seen=seen)


def _check_place(file: Path) -> None:
    """Refuse before the work what could not be written after it. Raises CommandError."""
    folder = file.absolute().parent
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise CommandError(f"cannot write {file}", "name a file in a folder that is there")


def _album(folder: Path, queries: int) -> "Album":
    """Refuse before the work what could not be drawn after it. Raises CommandError, TrainingError."""
    from models.evaluation.album import Album

    album = Album(folder, queries)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=folder).close()
    except OSError as error:
        raise _cannot_draw(folder, error) from error
    return album


def _draw(album: "Album", found: "Sequence[Evaluation]") -> None:
    try:
        album.draw(found)
    except OSError as error:
        raise _cannot_draw(album.folder, error) from error
    print_line(f"Pictures: {album.folder}")


def _cannot_draw(folder: Path, error: OSError) -> CommandError:
    return CommandError(f"cannot draw into {folder}: {error.strerror or error}", "name another folder")


def _reranking(network: "Network", protocol: "EvaluationProtocol") -> "Rerank":
    """By verification where a network compares pictures with clips by itself, else by their neighbours."""
    from models.evaluation.reranking import k_reciprocal
    from models.evaluation.verification import by_verification
    from models.networks.cross_modal import CrossModal

    if isinstance(network, CrossModal) and protocol.value == Protocols.I2V:
        return partial(by_verification, network)
    return k_reciprocal


class _Bar:
    """A progress bar for each thing that is embedded."""

    def __init__(self, bars: "Progress") -> None:
        self._bars = bars
        self._tasks: dict[tuple[str, int], TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if (stage, total) not in self._tasks:
            self._tasks[stage, total] = self._bars.add_task(f"embedding {stage}", total=total)
        self._bars.update(self._tasks[stage, total], completed=done)


def _bars() -> "Progress":
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=output)


def _write(
    file: Path,
    found: "Sequence[Evaluation]",
    comparisons: "Sequence[Comparison]",
    embedder: "Embedder",
    service: str | None,
) -> None:
    values = {
        "sightline": importlib.metadata.version("sightline"),
        "device": embedder.device,
        "precision": embedder.precision,
        "through_service": service,
        "evaluations": [evaluation.to_json() for evaluation in found],
        "comparisons": [comparison.to_json() for comparison in comparisons],
    }
    file.write_text(json.dumps(values, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _show(found: "Sequence[Evaluation]", warning: str | None) -> None:
    first, counts = found[0], found[0].counts
    where = first.dataset if len(first.splits) == 1 else f"{len(first.splits)} splits of {first.dataset}"
    output.print(
        f"{first.model} on {where}: {counts.queries} queries for {counts.identities} people, "
        f"{counts.skipped} without a match left out, {counts.gallery} in the gallery.",
        markup=False,
        soft_wrap=True,
    )
    closed, opened = [], []
    for evaluation in found:
        name = _named(evaluation.protocol, evaluation.ranked_by)
        if evaluation.dataset != first.dataset:
            name += f" ({evaluation.dataset})"
        closed.append(_closed(name, evaluation.figures, evaluation.intervals))
        opened.append(_opened(name, evaluation.figures))
        if evaluation.figures.single_gallery_shot is not None:
            closed.append(_ranks(f"{name} single-shot", evaluation.figures.single_gallery_shot))
        if evaluation.reranked is not None:
            closed.append(_closed(f"{name} re-ranked", evaluation.reranked, {}))
    print_table(closed)
    print_table(opened)
    if warning:
        print_note(warning)


def _named(protocol: str, ranked_by: str) -> str:
    return protocol if ranked_by == "cosine" else f"{protocol} by standard score"


def _show_comparisons(comparisons: "Sequence[Comparison]") -> None:
    first = comparisons[0]
    output.print(
        f"{', '.join(first.model)} less {', '.join(first.against)} by the same queries (paired bootstrap):",
        markup=False,
        soft_wrap=True,
    )
    print_table([_comparison(one) for one in comparisons])


def _comparison(one: "Comparison") -> dict[str, str]:
    row = {"data set": one.dataset, "protocol": _named(one.protocol, one.ranked_by)}
    for name, heading in (
        ("rank_1", "rank-1"),
        ("map_standard", "mAP (standard)"),
        ("map_trapezoid", "mAP (trapezoid)"),
    ):
        found = one.differences[name]
        low, high = 100 * found.low, 100 * found.high
        row[heading] = f"{100 * found.value:+.1f} [{low:+.1f}, {high:+.1f}], p {found.p:.3f}"
    return row


def _ranks(name: str, shares: "Mapping[int, float]", of_rank_1: "Interval | None" = None) -> dict[str, str]:
    texts = {f"rank-{k}": _percent(share, of_rank_1 if k == 1 else None) for k, share in shares.items()}
    return {"protocol": name, **texts}


def _closed(name: str, figures: "Figures", intervals: "Mapping[str, Interval]") -> dict[str, str]:
    return {
        **_ranks(name, figures.rank, intervals.get("rank_1")),
        "mAP (standard)": _percent(figures.map_standard, intervals.get("map_standard")),
        "mAP (trapezoid)": _percent(figures.map_trapezoid, intervals.get("map_trapezoid")),
        "mINP": _percent(figures.minp),
    }


def _opened(name: str, figures: "Figures") -> dict[str, str]:
    rates = {f"TAR at FAR {far:.1%}": _percent(tar) for far, tar in figures.tar_at_far.items()}
    for far, found in (figures.dir_at_far or {}).items():
        rates[f"DIR at FAR {far:.0%}"] = _percent(found)
    return {"protocol": name, **rates}


def _percent(share: float, interval: "Interval | None" = None) -> str:
    text = f"{100 * share:.1f}"
    return text if interval is None else f"{text} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"
