"""Pictures of a journey as SVG: over time, and on the ground. Text in them is never markup."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from service.cases.axis import ticks
from service.cases.journey import Place, Sighting
from service.cases.sightings import Gap, Journey
from service.evidence.html import Content, Markup, markup, tag
from service.spans import offset, span

_WIDTH: Final = 960
_ROW: Final = 34
_LEFT: Final = 170
_TOP: Final = 64  # below the axis
_FINE, _WRONG, _QUIET = "#1459b3", "#b3261e", "#d9d9d9"
_METRES_A_DEGREE: Final = 111_195.0


# The page shows these drawings in its own colours, by the classes of shapes, its own words, by `data-word`,
# and with its own form of dates, by `data-form`, `data-at`, `data-until` and `data-zone`.


def timeline(journey: Journey) -> bytes:
    """Cameras below each other, time from left to right: sightings, what was not recorded, what cannot be."""
    if not journey.sightings:
        return _svg(60, _words(10, 34, "no_hit", "No hit is confirmed yet."))
    names = list(dict.fromkeys(one.place.name for one in journey.sightings))
    zone = ZoneInfo(journey.sightings[0].place.time_zone)
    start = journey.sightings[0].start
    end = max([start + timedelta(seconds=1), *(one.end for one in journey.sightings)])

    def x(moment: datetime) -> float:
        share = (moment - start) / (end - start)
        return _LEFT + (_WIDTH - _LEFT - 90) * min(1.0, max(0.0, share))

    def y(name: str) -> float:
        return _TOP + _ROW * names.index(name)

    bottom = _TOP + _ROW * len(names)
    rows = [
        [_text(8, y(name) + 20, name), _rule(_LEFT, y(name) + 16, _WIDTH - 8, y(name) + 16)] for name in names
    ]
    axis = [
        [_rule(x(at), 40, x(at), bottom), _text(x(at) - 4, 34, _dated(label, at, zone), size=11)]
        for at, label in ticks(start, end, zone)
    ]
    gaps = [
        _bar(x(gap.start), x(gap.end), y(gap.camera) + 10, 12, "gap", _missed(gap))
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
            _bar(x(one.start), x(one.end), y(one.place.name) + 6, 20, "seen", _seen(one)),
            _text(x(one.start), y(one.place.name) + 4, [f"{number}  ", _clock(one, start, zone)], size=11),
        ]
        for number, one in enumerate(journey.sightings, 1)
    ]
    local = start.astimezone(zone)
    clocks = _text(8, 16, _when(f"{local:%Y-%m-%d}, {zone.key} ({offset(local)})", "day", start, zone.key))
    return _svg(bottom + 40, clocks, axis, rows, gaps, links, bars, _legend(bottom + 12))


def _legend(top: float) -> Content:
    """What the shapes mean, below the time line; the page moves the groups as its words need room."""

    def item(shape: Content, left: float, code: str, words: str) -> Markup:
        return tag("g", shape, _words(left + 38, top + 12, code, words), class_="legend")

    left, gap, wrong = _LEFT, _LEFT + 190, _LEFT + 470
    return [
        item(_bar(left, left + 24, top, 14, "seen", None), left, "seen", "in view"),
        item(_bar(gap, gap + 24, top, 14, "gap", None), gap, "gap", "not recorded, or not searched"),
        item(
            _line((wrong, top + 7), (wrong + 30, top + 7), wrong=True, arrow=False),
            wrong,
            "impossible",
            "impossible for one person",
        ),
    ]


def ground(journey: Journey) -> bytes:
    """The cameras that have a position, and the way from sighting to sighting; north is up."""
    placed = {place.name: place for place in journey.places if place.position is not None}
    seen = [one.place.name for one in journey.sightings]
    if not any(name in placed for name in seen):
        return _svg(60, _words(10, 34, "no_position", "No camera of this journey has a position."))
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
            _spot(cx, cy, seen=name in seen),
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


def _clock(one: Sighting, start: datetime, zone: ZoneInfo) -> Content:
    """When a sighting began, on its camera's clock; date and zone where the axis has others."""
    local, first = one.start.astimezone(ZoneInfo(one.place.time_zone)), start.astimezone(zone)
    date = "" if local.date() == first.date() else f"{local:%Y-%m-%d} "
    shift = "" if local.utcoffset() == first.utcoffset() else f" {offset(local)}"
    words = f"{date}{local:%H:%M:%S}{shift}"
    return _when(words, "moment", one.start, one.place.time_zone) if date or shift else words


def _dated(label: str, at: datetime, zone: ZoneInfo) -> Content:
    """A tick of the axis: clocks are the same everywhere, dates are not."""
    if "-" not in label:
        return label
    return _when(label, "tick" if ":" in label else "date", at, zone.key)


def _when(words: str, form: str, at: datetime, zone: str) -> Markup:
    """A text with a date, which the page writes in its own form."""
    return tag("tspan", words, **_instants(at, None, zone), **{"data-form": form})


def _instants(at: datetime, until: datetime | None, zone: str) -> dict[str, str | None]:
    ends = None if until is None else until.isoformat()
    return {"data-at": at.isoformat(), "data-until": ends, "data-zone": zone}


def _told(start: datetime, end: datetime, time_zone: str) -> str:
    """A stretch of time on a camera's clock and in UTC."""
    return f"{span(start, end, ZoneInfo(time_zone))} ({time_zone}), UTC: {span(start, end, ZoneInfo('UTC'))}"


def _seen(one: Sighting) -> Markup:
    words = f"{_told(one.start, one.end, one.place.time_zone)}\n{one.tracklet_id}"
    return tag("title", words, **_instants(one.start, one.end, one.place.time_zone), **{"data-form": "span"})


def _missed(gap: Gap) -> Markup:
    words = f"not searched: {gap.reason}, {_told(gap.start, gap.end, gap.time_zone)}"
    word = {"data-form": "span", "data-word": gap.reason}
    return tag("title", words, **_instants(gap.start, gap.end, gap.time_zone), **word)


def _bar(  # noqa: PLR0917  (where it lies, and what it means)
    left: float, right: float, top: float, height: float, kind: str, title: Content
) -> Markup:
    width = _at(max(3.0, right - left))
    shape = {"x": _at(left), "y": _at(top), "width": width, "height": _at(height)}
    fill = {"fill": "url(#missing)", "stroke": "#777"} if kind == "gap" else {"fill": _FINE}
    return tag("rect", title, class_=kind, **shape, **fill)


def _spot(x: float, y: float, *, seen: bool) -> Markup:
    fill = _FINE if seen else _QUIET
    return tag("circle", cx=_at(x), cy=_at(y), r="6", fill=fill, class_="seen" if seen else "quiet")


def _rule(left: float, top: float, right: float, bottom: float) -> Markup:
    ends = {"x1": _at(left), "y1": _at(top), "x2": _at(right), "y2": _at(bottom)}
    return tag("line", class_="rule", stroke=_QUIET, **ends)


def _line(start: tuple[float, float], end: tuple[float, float], *, wrong: bool, arrow: bool = True) -> Markup:
    colour = _WRONG if wrong else _FINE
    return tag(
        "line",
        tag("title", "impossible for one person", **{"data-word": "impossible"}) if wrong else None,
        class_="wrong" if wrong else "way",
        x1=_at(start[0]),
        y1=_at(start[1]),
        x2=_at(end[0]),
        y2=_at(end[1]),
        stroke=colour,
        **{"stroke-width": "2", "stroke-dasharray": "6 4" if wrong else None},
        **{"marker-end": "url(#tip)" if arrow else None},
    )


def _text(x: float, y: float, words: Content, *, size: int = 13) -> Markup:
    return tag("text", words, x=_at(x), y=_at(y), **{"font-size": str(size)})


def _words(x: float, y: float, code: str, words: str) -> Markup:
    """A text of the drawing's own, which the page replaces by what it says for `code`."""
    return tag("text", words, x=_at(x), y=_at(y), **{"font-size": "13", "data-word": code})


def _at(value: float) -> str:
    return f"{value:.1f}"


def _svg(height: float, *content: Content) -> bytes:
    tip = Markup(
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" '
        'orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker>'
        '<pattern id="missing" width="6" height="6" patternUnits="userSpaceOnUse" '
        'patternTransform="rotate(45)"><path d="M1 0V6" stroke="#777" stroke-width="1.5"/></pattern></defs>'
    )
    paper = tag("rect", width="100%", height="100%", fill="#fff", class_="paper")
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
