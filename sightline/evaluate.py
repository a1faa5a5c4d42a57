"""`sightline evaluate`: figures of a model on a data set."""

import importlib.metadata
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.client import Client
from sightline.console import DataDir, read_settings
from sightline.evaluation_tables import show, show_comparisons
from sightline.failures import CommandError
from sightline.naming import located
from sightline.plotting import draw_plots, open_album
from sightline.progress import StageBars, progress_bars

if TYPE_CHECKING:
    from models.datasets.records import Dataset
    from models.embedder import Embedder
    from models.evaluation.comparison import Comparison, Judged
    from models.evaluation.evaluate import Compared, Rerank, Seen
    from models.evaluation.metrics import Ranking
    from models.evaluation.protocols import EvaluationProtocol, TrackletFeatures
    from models.evaluation.report import Evaluation
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
    split: Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Which split of the data set, from 0 [default: the one it learnt from, else all].",
        ),
    ] = None,
    protocol: Annotated[
        Protocols, typer.Option(help="Image (i) or video (v) network, for the queries, then the gallery.")
    ] = Protocols.I2V,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Also write all figures to this file.")
    ] = None,
    plots: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Also draw CMC curves and ranked lists here.")
    ] = None,
    plot_queries: Annotated[
        int, typer.Option(min=1, max=100, help="How many queries a plot of ranked lists shows.")
    ] = 10,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="Also write the figures as a table to this file.")
    ] = None,
    features_file: Annotated[
        Path | None, typer.Option("--features", help="Also write all features to this .npz file.")
    ] = None,
    lists_file: Annotated[
        Path | None, typer.Option("--ranked-lists", help="Also write each query's first hits, as JSON lines.")
    ] = None,
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
    intervals. The file is written after each protocol, plots are drawn at the end.
    """
    _check(protocol, through_service, rerank=rerank, against=against)
    for file in (json_file, csv_file, features_file, lists_file):
        _require_writable(file)
    if through_service is not None and features_file is not None:
        raise CommandError("the service keeps its features", "leave --features or --through-service out")
    client = None if through_service is None else Client(through_service, key)
    settings = read_settings(GallerySettings, data_dir=data_dir)
    album = None if plots is None else open_album(plots, plot_queries)
    from models import zoo
    from models.datasets import STANDARD, load
    from models.embedder import Embedder
    from models.evaluation.exports import RankedLists, write_csv, write_features
    from models.evaluation.splits import fair

    lists = None if lists_file is None else RankedLists(lists_file)
    seen = _seen_by([one.see for one in (album, lists) if one is not None])
    keep = None if features_file is None else partial(write_features, features_file)
    loaded = zoo.load(zoo.DEFAULT if model is None else located(model, settings))
    whole = load(dataset, root)
    judged = fair(whole, loaded, split)
    standard = load(STANDARD[dataset], root) if dataset in STANDARD else None
    make = partial(Embedder, device=device, precision=precision, threads=threads)
    embedder = make(loaded)
    reranks = loaded.network if rerank else None
    write = None if json_file is None else partial(_write, json_file, embedder, through_service)
    with progress_bars() as bars:
        embedding = partial(StageBars, bars, "embedding")
        others = [
            _judged(
                located(other, settings), make, whole, protocol, embedding(), split=split, standard=standard
            )
            for other in against or ()
        ]
        if client is None:
            judge = partial(_offline, standard=standard, network=reranks, seen=seen, keep=keep)
            evaluations = judge(embedder, judged, protocol, embedding())
        else:
            evaluations = _through(client, settings, embedder, judged, root=root, bar=embedding(), seen=seen)
        found, comparisons = _collected(evaluations, others, judged.name, write)
    show(found, embedder.warning)
    if comparisons:
        show_comparisons(comparisons)
    if csv_file is not None:
        write_csv(csv_file, found)
    if album is not None:
        draw_plots(album, found)


def _check(
    protocol: Protocols,
    through_service: str | None,
    *,
    rerank: bool,
    against: Sequence[str] | None,
) -> None:
    """Refuse before the work what cannot be done. Raises CommandError."""
    if through_service is not None and (rerank or protocol is not Protocols.I2V):
        raise CommandError("the service ranks by I2V only", "leave --protocol and --rerank out")
    if through_service is not None and against:
        raise CommandError("--against embeds by itself", "leave --through-service out")


def _require_writable(file: Path | None) -> None:
    """Refuse before the work a file that could not be written after it. Raises CommandError."""
    if file is None:
        return
    folder = file.absolute().parent
    if file.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise CommandError(f"cannot write {file}", "name a file in a folder that is there")


def _seen_by(several: "Sequence[Seen]") -> "Seen | None":
    """One that tells all of them; None if there is none."""
    if not several:
        return None

    def see(protocol: "EvaluationProtocol", compared: "Compared", ranking: "Ranking") -> None:
        for one in several:
            one(protocol, compared, ranking)

    return see


def _collected(
    evaluations: "Iterable[Evaluation]",
    others: "Sequence[Sequence[Judged]]",
    dataset: str,
    write: "Callable[[Sequence[Evaluation], Sequence[Comparison]], None] | None",
) -> "tuple[list[Evaluation], list[Comparison]]":
    """Judge one protocol after the other, compare each with the others', and write after each."""
    found: list[Evaluation] = []
    comparisons: list[Comparison] = []
    for evaluation in evaluations:
        found.append(evaluation)
        if others:
            compared = _compared(evaluation, others, optional=evaluation.dataset != dataset)
            comparisons += [] if compared is None else [compared]
        if write is not None:
            write(found, comparisons)
    return found, comparisons


def _offline(
    embedder: "Embedder",
    dataset: "Dataset",
    protocol: Protocols,
    bar: StageBars,
    *,
    standard: "Dataset | None",
    network: "Network | None",
    seen: "Seen | None",
    keep: "Callable[[TrackletFeatures], None] | None" = None,
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
        if one is EvaluationProtocol.I2I and standard is not None:  # as papers report it, crop by crop
            yield judge(features, standard, one, rerank=rerank)
    if keep is not None:
        keep(features)


def _judged(
    model: str,
    make: "Callable[[LoadedModel], Embedder]",
    dataset: "Dataset",
    protocol: Protocols,
    bar: StageBars,
    *,
    split: int | None,
    standard: "Dataset | None",
) -> "list[Judged]":
    """Another model's answers to the same queries: from a file of figures, or by evaluating it now."""
    from models import zoo
    from models.evaluation.comparison import Judged, read_judged
    from models.evaluation.splits import fair

    if Path(model).is_file():
        return read_judged(Path(model))
    loaded = zoo.load(model)
    judged = fair(dataset, loaded, split)
    offline = _offline(make(loaded), judged, protocol, bar, standard=standard, network=None, seen=None)
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
    bar: StageBars,
    seen: "Seen | None",
) -> "Iterator[Evaluation]":
    from gallery import Gallery
    from sightline.through_service import evaluate_through

    # One that is not there yet cannot be the service's: it is not made on the spot.
    with Gallery.open(settings) as gallery:
        yield from evaluate_through(client, gallery, embedder, dataset, root=root, progress=bar, seen=seen)


def _reranking(network: "Network", protocol: "EvaluationProtocol") -> "Rerank":
    """By verification where a network compares crops with clips by itself, else by their neighbours."""
    from models.evaluation.reranking import k_reciprocal
    from models.evaluation.verification import by_verification
    from models.networks.cross_modal import CrossModal

    if isinstance(network, CrossModal) and protocol.value == Protocols.I2V:
        return partial(by_verification, network)
    return k_reciprocal


def _write(
    file: Path,
    embedder: "Embedder",
    service: str | None,
    found: "Sequence[Evaluation]",
    comparisons: "Sequence[Comparison]",
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
