"""Figures of an evaluation: CMC curves, and what was ranked for a few queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from models.datasets.frames import read_frame
from models.errors import TrainingError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

CROP: Final = (64, 128)
BORDER: Final = 4
TEXT: Final = 16  # height of the line below a crop
GAP: Final = 6
INK: Final = (40, 40, 40)


class Verdict(StrEnum):
    """What an answer is to its query; it stands below the crop too, as not everybody sees colours."""

    QUERY = "query"
    RIGHT = "right"
    WRONG = "wrong"


COLOURS: Final = {
    Verdict.QUERY: INK,
    Verdict.RIGHT: (20, 140, 60),
    Verdict.WRONG: (200, 40, 40),
}


@dataclass(frozen=True, slots=True)
class Answer:
    """A ranked crop with its score."""

    crop: Path
    verdict: Verdict
    score: float


@dataclass(frozen=True, slots=True)
class RankedList:
    """A query, what stands below it, and its answers, the best first."""

    query: Path
    caption: str
    answers: Sequence[Answer]


def require_matplotlib() -> None:
    """Raise TrainingError where `cmc_plot` would."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError as error:
        raise TrainingError("plots need matplotlib: pip install '.[train]'") from error


def cmc_plot(path: Path, title: str, curves: Mapping[str, NDArray[np.floating[Any]]]) -> None:
    """Draw CMC curves into a PNG.

    Args:
        path: the file.
        title: whose they are.
        curves: name to the shares 0..1 of queries with a match at rank 1, 2, ...; lengths may differ.

    Raises:
        ValueError: no curve, or one that has no values or values that are no shares.
        TrainingError: matplotlib is not installed.
    """
    for name, curve in curves.items():
        if curve.ndim != 1 or not len(curve) or not np.all((curve >= 0) & (curve <= 1)):
            raise ValueError(f"{name} is not a row of shares")
    if not curves:
        raise ValueError("no curves")
    require_matplotlib()
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_title(title, parse_math=False)  # a name may have a dollar sign
    _draw_curves(axes, curves)
    figure.savefig(path, format="png", dpi=150)


def _draw_curves(axes: "Axes", curves: Mapping[str, NDArray[np.floating[Any]]]) -> None:
    for name, curve in curves.items():
        ranks = np.arange(1, len(curve) + 1)
        axes.plot(ranks, 100 * curve, marker=".", label=f"{100 * curve[0]:.1f} % {name}")
    # Good curves differ in their uppermost part only.
    least = 10 * int(10 * min(curve[0] for curve in curves.values())) - 10
    axes.set(xlabel="rank", ylabel="queries with a match (%)", ylim=(max(0, least), 101))
    axes.set_xlim(0.5, max(len(curve) for curve in curves.values()) + 0.5)
    axes.grid(alpha=0.3)
    for text in axes.legend(loc="lower right", title="rank 1").get_texts():
        text.set_parse_math(False)


def ranked_lists(path: Path, rows: Sequence[RankedList]) -> None:
    """Draw queries, each with its answers beside it, into a PNG.

    Borders are green (right) or red (wrong); below stand the verdict and the score.

    Args:
        path: the file.
        rows: at least one; numbers of answers may differ.

    Raises:
        ValueError: no rows.
        BadDataset: a crop cannot be read.
    """
    if not rows:
        raise ValueError("no rows")
    columns = 1 + max(len(row.answers) for row in rows)
    cell = (CROP[0] + 2 * BORDER + GAP, CROP[1] + 2 * BORDER + TEXT + GAP)
    sheet = Image.new("RGB", (GAP + columns * cell[0] + GAP, GAP + len(rows) * cell[1]), "white")
    for index, row in enumerate(rows):
        top = GAP + index * cell[1]
        _draw_cell(sheet, (GAP, top), row.query, Verdict.QUERY, row.caption)
        for place, answer in enumerate(row.answers, 1):
            left = 2 * GAP + place * cell[0]  # a wider gap sets the query apart
            text = f"{answer.verdict}  {answer.score:.2f}"
            _draw_cell(sheet, (left, top), answer.crop, answer.verdict, text)
    sheet.save(path, format="PNG")


def _draw_cell(sheet: Image.Image, at: tuple[int, int], crop: Path, verdict: Verdict, text: str) -> None:
    left, top = at
    width, height = CROP[0] + 2 * BORDER, CROP[1] + 2 * BORDER
    draw = ImageDraw.Draw(sheet)
    draw.rectangle((left, top, left + width - 1, top + height - 1), fill=COLOURS[verdict])
    drawn = Image.fromarray(read_frame(crop)).resize(CROP, Image.Resampling.BICUBIC)
    sheet.paste(drawn, (left + BORDER, top + BORDER))
    middle = (left + width // 2, top + height + TEXT // 2)
    draw.text(middle, text, fill=INK, font=ImageFont.load_default(11), anchor="mm")
