"""The report of a run: one HTML page with its crops inside, which opens without a network."""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Final

import numpy as np

from models.adaptation.card import labels
from models.adaptation.clusters import SINGLE
from models.adaptation.gate import HeldOut, Seen
from models.adaptation.gathering import Gathered
from models.adaptation.pieces import Piece
from models.adaptation.result import Measure, Result, Round
from models.adaptation.store import CropStore
from models.evaluation.reranking import Ints

CLUSTERS: Final = 12  # shown
TRACKLETS: Final = 10  # shown of a cluster
CUT: Final = 8  # tracklets shown that were cut
QUERIES: Final = 10
DEPTH: Final = 6  # answers shown of each model

PAGE: Final = Template((Path(__file__).parent / "page.html").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page is about.

    Attributes:
        name: of the new model.
        parent: name of the old one.
        result: how the run ended.
        gathered: what it learnt from, and was judged by.
        labels: (N,) the clusters of the last round.
        before: the held-out tracklets as the parent sees them.
        after: the same, as the adapted network sees them.
    """

    name: str
    parent: str
    result: Result
    gathered: Gathered
    labels: Ints
    before: Seen
    after: Seen


def write_page(path: Path, shown: Shown) -> None:
    """Write the page.

    Raises:
        OSError: it cannot be written.
    """
    result, gathered = shown.result, shown.gathered
    text = PAGE.substitute(
        name=escape(shown.name),
        parent=escape(shown.parent),
        outcome=result.outcome,
        reason=escape(result.reason),
        labels=escape(labels(gathered.said)),
        notes=_list(result.notes),
        measures=_measures(result.measures),
        counts=_table((), [(escape(key), value) for key, value in result.counts.items()]),
        rounds=_rounds(result.rounds),
        rankings=_rankings(gathered, shown.before, shown.after),
        clusters=_clusters(gathered, shown.labels),
        cuts=_cuts(gathered),
    )
    path.write_text(text, encoding="utf-8")


def changed_most(held: HeldOut, before: Seen, after: Seen) -> list[tuple[int, int, int]]:
    """The held-out tracklets whose second half moved farthest in the ranking of their photo.

    Returns:
        At most QUERIES of (number, rank before, rank after), ranks from 1; the farthest moved first.
    """
    found = []
    for number, piece in enumerate(held.pieces):
        if piece.stop - piece.start > 1:
            old, new = (rank_of(seen, number) for seen in (before, after))
            found.append((number, old, new))
    return sorted(found, key=lambda one: (-abs(one[1] - one[2]), one[0]))[:QUERIES]


def rank_of(seen: Seen, number: int) -> int:
    """The rank of a tracklet's second half for its own photo, from 1; ties count in its favour."""
    scores = seen.rest @ seen.photos[number]
    return 1 + int((scores > scores[number]).sum())


def _measures(measures: Sequence[Measure]) -> str:
    heads = ("measured on tracklets held out", "before", "after", "must not pass", "of", "")
    rows = [
        (
            escape(one.name),
            f"{100 * one.before:.1f} %",
            f"{100 * one.after:.1f} %",
            f"{'below' if one.larger_is_better else 'above'} {100 * one.allowed:.1f} %",
            one.count,
            "holds" if one.passes else "<strong>fails</strong>",
        )
        for one in measures
    ]
    return _table(heads, rows)


def _rounds(rounds: Sequence[Round]) -> str:
    heads = (
        "round",
        "clusters",
        "over several cameras",
        "tracklets in them",
        "in none",
        "largest",
        "loss",
        "min",
    )
    rows = [
        (
            number,
            one.clusters,
            one.across,
            one.clustered,
            one.single,
            one.largest,
            f"{one.loss:.2f}",
            f"{one.seconds / 60:.0f}",
        )
        for number, one in enumerate(rounds, 1)
    ]
    return _table(heads, rows)


def _rankings(gathered: Gathered, before: Seen, after: Seen) -> str:
    held = gathered.held
    parts = []
    for number, old, new in changed_most(held, before, after):
        rows = "".join(
            f'<div class="row"><span class="side">{said}</span>{_answers(gathered, seen, number)}</div>'
            for said, seen in ((f"before: rank {old}", before), (f"after: rank {new}", after))
        )
        photo = _crop(held.store, held.pieces[number], 0, _camera(gathered, held.cameras[number]))
        parts.append(f'<section class="query">{photo}<div>{rows}</div></section>')
    return "".join(parts) or "<p>Nobody held out has two crops.</p>"


def _answers(gathered: Gathered, seen: Seen, number: int) -> str:
    held = gathered.held
    scores = seen.rest @ seen.photos[number]
    best = np.argsort(-scores, kind="stable")[:DEPTH]
    return "".join(
        _crop(
            held.store,
            held.pieces[place],
            (held.pieces[place].stop - held.pieces[place].start) // 2,
            f"{_camera(gathered, held.cameras[place])}, {scores[place]:.2f}",
            kind="own" if place == number else "",
        )
        for place in best.tolist()
    )


def _clusters(gathered: Gathered, labels: Ints) -> str:
    material = gathered.material
    drawn = np.random.default_rng(0).permutation(int(labels.max(initial=SINGLE)) + 1)[:CLUSTERS]
    parts = []
    for label in drawn.tolist():
        members = np.flatnonzero(labels == label)
        crops = "".join(
            _crop(
                material.store,
                material.pieces[member],
                0,
                _camera(gathered, material.cameras[member]),
            )
            for member in members[:TRACKLETS].tolist()
        )
        parts.append(f'<h3>{len(members)} tracklets</h3><div class="row">{crops}</div>')
    return "".join(parts) or "<p>There were none.</p>"


def _cuts(gathered: Gathered) -> str:
    store = gathered.material.store
    parts = []
    for tracklet, place in list(gathered.cuts.cut.items())[:CUT]:
        piece = Piece(tracklet, 0, 0, store.count(tracklet))
        crops = [_crop(store, piece, crop, "") for crop in range(piece.stop)]
        crops.insert(place, '<span class="cut">cut</span>')
        parts.append(f'<div class="row">{"".join(crops)}</div>')
    return "".join(parts) or "<p>There were none.</p>"


def _crop(store: CropStore, piece: Piece, crop: int, caption: str, kind: str = "") -> str:
    data = base64.b64encode(store.encoded(piece.tracklet, piece.start + crop)).decode("ascii")
    said = escape(caption)
    return (
        f'<figure class="{kind}"><img src="data:image/jpeg;base64,{data}" alt="a person, {said}">'
        f"<figcaption>{said}</figcaption></figure>"
    )


def _camera(gathered: Gathered, number: np.int64) -> str:
    return gathered.cameras[int(number)]


def _list(sentences: Iterable[str]) -> str:
    return "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f'<th scope="col">{text}</th>' for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    head = f"<thead><tr>{head}</tr></thead>" if head else ""
    return f'<div class="table"><table>{head}<tbody>{body}</tbody></table></div>'
