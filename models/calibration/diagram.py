"""Reliability diagrams as SVG: what was said, and how often it was so."""

from collections.abc import Mapping, Sequence

from models.calibration.searches import Judgement

SIDE, LEFT, TOP = 240, 56, 16
COLOURS = ("#c2410c", "#1d4ed8")
MOST, LEAST = 9.0, 2.5  # radius of a point
FEW = 5  # hits; a point of fewer would be chance

Row = tuple[float, float, float]
"""Predicted, observed, count."""


def pooled(judgements: Sequence[Judgement], bins: int = 10) -> list[Row]:
    """Join the rows of several judgements by the probability that was said."""
    sums: dict[int, list[float]] = {}
    for one in judgements:
        for row in one.reliability:
            own = sums.setdefault(min(int(row["predicted"] * bins), bins - 1), [0.0, 0.0, 0.0])
            for place, value in enumerate((row["predicted"], row["observed"], 1.0)):
                own[place] += value * row["count"]
    return [(said / n, was / n, n) for _, (said, was, n) in sorted(sums.items()) if n >= FEW]


def diagram(series: Mapping[str, Sequence[Row]]) -> str:
    """A diagram of one or two series as SVG; a point is as large as its hits are many."""
    width, height = LEFT + SIDE + 24, TOP + SIDE + 76
    described = "; ".join(_said(name, rows) for name, rows in series.items())
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" font-family="sans-serif" font-size="12">',
        f"<title>Reliability diagram. {described}</title>",
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        f'<path d="M{LEFT} {TOP + SIDE} L{LEFT + SIDE} {TOP}" stroke="#999999" stroke-dasharray="4 4"/>',
        f'<path d="M{LEFT} {TOP} V{TOP + SIDE} H{LEFT + SIDE}" fill="none" stroke="#333333"/>',
    ]
    for percent in range(0, 101, 25):
        x, y = _place(percent / 100, percent / 100)
        parts.append(f'<text x="{x:.0f}" y="{TOP + SIDE + 16}" text-anchor="middle">{percent}</text>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{percent}</text>')
    middle, low = LEFT + SIDE / 2, TOP + SIDE
    parts.append(f'<text x="{middle:.0f}" y="{low + 34}" text-anchor="middle">said: probability, %</text>')
    turned = f"rotate(-90 14 {TOP + SIDE / 2:.0f})"
    parts.append(
        f'<text x="14" y="{TOP + SIDE / 2:.0f}" text-anchor="middle" transform="{turned}">'
        "was so: right hits, %</text>"
    )
    for number, (name, rows) in enumerate(series.items()):
        parts += _points(rows, COLOURS[number])
        x = LEFT + number * SIDE / 2
        parts.append(f'<circle cx="{x + 6:.0f}" cy="{low + 54}" r="5" fill="{COLOURS[number]}"/>')
        parts.append(f'<text x="{x + 16:.0f}" y="{low + 58}">{name}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _points(rows: Sequence[Row], colour: str) -> list[str]:
    most = max((count for *_, count in rows), default=1.0)
    line = " L".join("{:.1f} {:.1f}".format(*_place(said, was)) for said, was, _ in rows)
    parts = [f'<path d="M{line}" fill="none" stroke="{colour}" stroke-opacity="0.5"/>'] if rows else []
    for said, was, count in rows:
        x, y = _place(said, was)
        radius = max(LEAST, MOST * (count / most) ** 0.25)
        parts.append(
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{colour}" fill-opacity="0.7"/>'
        )
    return parts


def _place(said: float, was: float) -> tuple[float, float]:
    return LEFT + said * SIDE, TOP + (1 - was) * SIDE


def _said(name: str, rows: Sequence[Row]) -> str:
    points = ", ".join(f"{said:.0%} said, {was:.0%} so" for said, was, _ in rows)
    return f"{name}: {points}"
