"""Pictures of a journey as SVG: over time, and on the ground. Text in them is never markup."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from service.cases.journey import Place
from service.cases.sightings import Journey
from service.evidence.html import Content, Markup, markup, tag

_WIDTH: Final = 960
_ROW: Final = 34
_LEFT: Final = 170
_TOP: Final = 34
_FINE, _WRONG, _QUIET = "#1459b3", "#b3261e", "#d9d9d9"
_METRES_A_DEGREE: Final = 111_195.0


def timeline(journey: Journey) -> bytes:
    """Cameras below each other, time from left to right: sightings, what was not recorded, what cannot be."""
    if not journey.sightings:
        return _svg(60, tag("text", "No hit is confirmed yet.", x="10", y="34"))
    names = list(dict.fromkeys(one.place.name for one in journey.sightings))
    start = journey.sightings[0].start
    span = max(1.0, (max(one.end for one in journey.sightings) - start).total_seconds())

    def x(moment: datetime) -> float:
        share = (moment - start).total_seconds() / span
        return _LEFT + (_WIDTH - _LEFT - 90) * min(1.0, max(0.0, share))

    def y(name: str) -> float:
        return _TOP + _ROW * names.index(name)

    rows = [
        [
            _text(8, y(name) + 20, name),
            tag(
                "line",
                x1=f"{_LEFT}",
                x2=f"{_WIDTH - 8}",
                y1=_at(y(name) + 16),
                y2=_at(y(name) + 16),
                stroke=_QUIET,
            ),
        ]
        for name in names
    ]
    gaps = [
        _bar(x(gap.start), x(gap.end), y(gap.camera) + 10, 12, _QUIET, f"not searched: {gap.reason}")
        for gap in journey.gaps
        if gap.camera in names
    ]
    links = [
        _line(
            (x(journey.sightings[step.before].end), y(journey.sightings[step.before].place.name) + 16),
            (x(journey.sightings[step.after].start), y(journey.sightings[step.after].place.name) + 16),
            wrong=step.flag is not None,
        )
        for step in [*journey.steps, *(one for one in journey.conflicts if one.after > one.before + 1)]
    ]
    bars = [
        [
            _bar(x(one.start), x(one.end), y(one.place.name) + 6, 20, _FINE, one.tracklet_id),
            _text(x(one.start), y(one.place.name) + 4, f"{number}  {_clock(one.start, one.place)}", size=11),
        ]
        for number, one in enumerate(journey.sightings, 1)
    ]
    return _svg(_TOP + _ROW * len(names) + 14, rows, gaps, links, bars)


def ground(journey: Journey) -> bytes:
    """The cameras that have a position, and the way from sighting to sighting; north is up."""
    placed = {place.name: place for place in journey.places if place.position is not None}
    seen = [one.place.name for one in journey.sightings]
    if not any(name in placed for name in seen):
        return _svg(60, tag("text", "No camera of this journey has a position.", x="10", y="34"))
    middle = placed[next(name for name in seen if name in placed)]
    near = {name: place for name, place in placed.items() if name in seen or _near(place, middle)}
    spots, height, metres = _projected(list(near.values()))
    ways = [
        _line(spots[before], spots[after], wrong=step.flag is not None)
        for step in [*journey.steps, *(one for one in journey.conflicts if one.after > one.before + 1)]
        for before, after in [(seen[step.before], seen[step.after])]
        if before in spots and after in spots and before != after
    ]
    cameras = [
        [
            tag("circle", cx=_at(cx), cy=_at(cy), r="6", fill=_FINE if name in seen else _QUIET),
            _text(cx + 9, cy + 4, ", ".join([name, *_numbers(name, seen)])),
        ]
        for name, (cx, cy) in spots.items()
    ]
    return _svg(height, _scale(metres, height), ways, cameras)


def _numbers(name: str, seen: Sequence[str]) -> Iterator[str]:
    """The numbers of the sightings at a camera."""
    return (str(number) for number, one in enumerate(seen, 1) if one == name)


def _near(place: Place, middle: Place) -> bool:
    """Whether a camera that saw nothing belongs on the map at all: within some twenty kilometres."""
    assert place.position is not None
    assert middle.position is not None
    return all(abs(a - b) < 0.2 for a, b in zip(place.position, middle.position, strict=True))


def _projected(places: Sequence[Place]) -> tuple[dict[str, tuple[float, float]], float, float]:
    """Places on paper, equirectangular around their middle; the paper's height, and metres a pixel."""
    north = [place.position[0] for place in places if place.position]
    east = [_along(place.position[1], places) for place in places if place.position]
    shrink = math.cos(math.radians((max(north) + min(north)) / 2))
    wide, high = (max(east) - min(east)) * shrink, max(north) - min(north)
    scale = min((_WIDTH - 260) / wide if wide > 0 else math.inf, 420 / high if high > 0 else math.inf)
    scale = min(scale, 1e6)  # a single place has no extent: some nine pixels a metre
    spots = {
        place.name: (40 + (e - min(east)) * shrink * scale, 50 + (max(north) - n) * scale)
        for place, n, e in zip(places, north, east, strict=True)
    }
    return spots, 110 + high * scale, _METRES_A_DEGREE / scale


def _along(east: float, places: Sequence[Place]) -> float:
    """A longitude that does not jump where the date changes."""
    assert places[0].position is not None
    first = places[0].position[1]
    return first + (east - first + 180) % 360 - 180


def _scale(metres: float, height: float) -> Content:
    """A line as long as a round number of metres."""
    length = 10.0 ** math.floor(math.log10(metres * 200))
    label = f"{length:g} m" if length < 1000 else f"{length / 1000:g} km"
    end, y = 40 + length / metres, height - 20
    return [_line((40, y), (end, y), wrong=False, arrow=False), _text(end + 6, y + 4, label)]


def _clock(moment: datetime, place: Place) -> str:
    return f"{moment.astimezone(ZoneInfo(place.time_zone)):%m-%d %H:%M:%S}"


def _bar(  # noqa: PLR0917  (where it lies, and what it means)
    left: float, right: float, top: float, height: float, colour: str, title: str
) -> Markup:
    width = _at(max(3.0, right - left))
    shape = {"x": _at(left), "y": _at(top), "width": width, "height": _at(height), "fill": colour}
    return tag("rect", tag("title", title), **shape)


def _line(start: tuple[float, float], end: tuple[float, float], *, wrong: bool, arrow: bool = True) -> Markup:
    colour = _WRONG if wrong else _FINE
    return tag(
        "line",
        tag("title", "impossible for one person") if wrong else None,
        x1=_at(start[0]),
        y1=_at(start[1]),
        x2=_at(end[0]),
        y2=_at(end[1]),
        stroke=colour,
        **{"stroke-width": "2", "stroke-dasharray": "6 4" if wrong else None},
        **{"marker-end": "url(#tip)" if arrow else None},
    )


def _text(x: float, y: float, words: str, *, size: int = 13) -> Markup:
    return tag("text", words, x=_at(x), y=_at(y), **{"font-size": str(size)})


def _at(value: float) -> str:
    return f"{value:.1f}"


def _svg(height: float, *content: Content) -> bytes:
    tip = Markup(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>'
    )
    paper = tag("rect", width="100%", height="100%", fill="#fff")
    drawn = tag(
        "svg",
        tip,
        paper,
        content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_WIDTH} {height:.0f}",
        width=f"{_WIDTH}",
        height=f"{height:.0f}",
        **{"font-family": "system-ui, sans-serif"},
    )
    return markup(drawn).encode("utf-8", "backslashreplace")
