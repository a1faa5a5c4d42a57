"""The report of an evidence package: a page to read and print, with local times and links to its files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from gallery import Confirmation, EventInfo
from service.answer_schemas import ConfirmationOut, CoverageOut, HitOut, MarkOut, SearchAnswer
from service.evidence import verifier
from service.evidence.contents import Found
from service.evidence.html import Content, Markup, table, tag
from service.evidence.media import Media, Shown
from service.evidence.times import span, there

ONLY_CONFIRMED: Final = (
    "Only hits whose mark a second person confirmed have clips and are part of a journey: who confirmed "
    "each, and when, stands beside its mark. Marks that nobody confirmed, or somebody disputed, are named "
    "under “Not in this package”."
)
_VERIFY: Final = "python3 -I verify.py PACKAGE.zip --digest SHA256"


def head(title: str, facts: Mapping[str, Any]) -> Markup:
    """What this is, who made it when, and how to find out whether it is still that."""
    return tag(
        "header",
        tag("h1", title),
        tag("p", f"Made at {facts['made_at']} by {facts['made_by']['name']}, with {facts['software']}."),
        tag("p", tag("strong", ONLY_CONFIRMED)) if facts["only_confirmed"] else None,
        tag(
            "p",
            "Take ",
            tag("code", "verify.py"),
            " from Sightline, not from this package if you doubt it, and run ",
            tag("code", _VERIFY),
            f". It refuses the package if any byte was changed. {verifier.MANIFEST} has the SHA-256 of every "
            "file and of the recordings. A manifest alone does not say who wrote it: compare its own SHA-256 "
            "with the one in the audit trail of the system that made it.",
        ),
    )


def search(found: Found, media: Media) -> Markup:
    """A search: what was asked, what was covered, how far to believe it, and the hits."""
    answer = found.answer
    return tag(
        "section",
        tag("h2", f"Search {answer.id}"),
        _question(found),
        _coverage(answer),
        _belief(answer),
        tag("h3", "Hits"),
        tag("p", "Times are those of the cameras. A score ranks; it is no probability.", class_="small"),
        table(
            ("rank", "seen", "camera and time", "how sure", "mark", "files"),
            (_hit(hit, media.shown.get(hit.tracklet_id)) for hit in answer.hits),
        ),
        tag(
            "p",
            "All of them: ",
            _link(f"{found.folder}/hits.csv"),
            ", ",
            _link(f"{found.folder}/answer.json"),
        ),
        tag("h3", "Changes of marks"),
        table(
            ("when (UTC)", "tracklet", "mark", "by key", "undone", "second person"),
            (
                (
                    there(one.created_at, "UTC"),
                    tag("code", one.tracklet_id),
                    "taken away" if one.verdict is None else one.verdict.value,
                    one.key_id or "command line",
                    None if one.undone_at is None else there(one.undone_at, "UTC"),
                    second_word(one.confirmation),
                )
                for one in found.changes
            ),
        ),
    )


def tail(media: Media, events: Sequence[EventInfo], count: int) -> Markup:
    """Recordings, what is not in the package, and the first of `count` events of the audit trail."""
    return tag(
        "section",
        tag("h2", "Recordings"),
        table(
            ("file", "camera and time", "SHA-256", "read again"),
            (
                (
                    one["file_name"],
                    [one["camera"], tag("br"), span(one["start"], one["end"], one["time_zone"])],
                    tag("code", one["sha256"]),
                    "the same as when it was indexed"
                    if one["compared"] and "reason" not in one
                    else _flag(one.get("reason", "not read: no clip was made of it")),
                )
                for one in media.recordings.values()
            ),
        ),
        tag("h2", "Not in this package"),
        table(("what", "of", "why"), ((one["what"], one["of"], one["reason"]) for one in media.left_out)),
        tag("h2", "From the audit trail"),
        tag("p", f"The first {len(events)} of {count} events.") if len(events) < count else None,
        table(
            ("number", "when (UTC)", "key", "what", "of"),
            ((one.id, there(one.at, "UTC"), one.key_id, one.action, one.subject) for one in events),
        ),
        tag("p", "All of them, with all details: ", _link("audit.json")),
    )


def _question(found: Found) -> Content:
    answer, query = found.answer, found.info.query
    filters = answer.filters
    asked = [
        ("asked at (UTC)", there(answer.created_at, "UTC")),
        ("by key", found.info.key_id or "command line"),
        ("cameras", ", ".join(filters.cameras) if filters.cameras else "all"),
        ("sites", ", ".join(filters.sites) if filters.sites else "all"),
        ("from (UTC)", "the beginning" if filters.start is None else there(filters.start, "UTC")),
        ("to (UTC)", "the end" if filters.end is None else there(filters.end, "UTC")),
        ("ranked by", query.by.value),
        ("model", [answer.model.name, " ", tag("code", answer.model.id)]),
    ]
    photos = [tag("img", src=name, alt="photo searched with") for name in found.photos.values()]
    told = [notice.text for probe in answer.probes for notice in probe.notices if not notice.warns]
    said = [*(tag("p", _flag(text)) for text in answer.warnings), *(tag("p", text) for text in told)]
    return [photos, tag("table", [tag("tr", tag("th", key), tag("td", value)) for key, value in asked]), said]


def _compared(coverage: CoverageOut) -> str:
    """How many tracklets were compared, and how exactly."""
    if coverage.exact:
        return f"{coverage.tracklets_compared} tracklets were compared."
    return (
        f"{coverage.tracklets_compared} tracklets were searched, {coverage.tracklets_approximate} of them "
        f"approximately: measured, that finds at least {coverage.recall:.4f} of the best."
    )


def _coverage(answer: SearchAnswer) -> Content:
    coverage = answer.coverage
    return [
        tag("h3", "What was searched"),
        tag("p", _compared(coverage)),
        table(
            ("camera", "seconds with pictures", "first (UTC)", "last (UTC)", "tracklets"),
            (
                (
                    one.camera,
                    one.seconds,
                    None if one.first is None else there(one.first, "UTC"),
                    None if one.last is None else there(one.last, "UTC"),
                    one.tracklets,
                )
                for one in coverage.cameras
            ),
        ),
        tag("h3", "What was not searched"),
        table(("what", "why"), ((one.what, one.reason) for one in coverage.not_searched)),
    ]


def _belief(answer: SearchAnswer) -> Content:
    known = answer.calibration
    if not known.calibrated or known.line is None:
        return tag("p", _flag(f"No probabilities: {known.reason}"))
    text = (
        f"{known.credible} credible, with a probability of {known.line:.0%} or more; of these "
        f"{known.wrong_expected} are expected to show somebody else."
        if known.credible
        else f"No credible match: no hit has a probability of {known.line:.0%} or more."
    )
    return tag("p", text, f" Learnt from {known.learnt_from}: for other people and cameras it may be wrong.")


def second_word(said: Confirmation | ConfirmationOut | None) -> str | None:
    """What a second person said of a mark: who and when, and nothing of whether they are right."""
    if said is None:
        return None
    return f"{'confirmed' if said.agrees else 'disputed'} by {said.key_id}, {there(said.at, 'UTC')}"


def why_unconfirmed(mark: MarkOut | None) -> str:
    """Why a mark does not count where only confirmed ones do."""
    said = None if mark is None else second_word(mark.confirmation)
    return f"its mark was {said}" if said else "no second person confirmed its mark"


def _hit(hit: HitOut, shown: Shown | None) -> Sequence[Content]:
    camera = [hit.camera.name, f" ({hit.camera.site})" if hit.camera.site else None]
    sure = [
        "no probability" if hit.probability is None else f"{hit.probability:.1%}",
        tag("div", f"score {hit.score:.4f}", class_="small"),
    ]
    mark = hit.mark and [
        tag("strong", "shows the person" if hit.mark.verdict.value == "match" else "somebody else"),
        tag(
            "div", f"{hit.mark.key_id or 'command line'}, {there(hit.mark.created_at, 'UTC')}", class_="small"
        ),
        hit.mark.confirmation and tag("div", second_word(hit.mark.confirmation), class_="small"),
    ]
    strip = shown and shown.strip and tag("img", src=shown.strip, alt="four crops of the tracklet")
    return (
        hit.rank,
        [strip or None, tag("div", tag("code", hit.tracklet_id), class_="small")],
        [camera, tag("div", span(hit.start, hit.end, hit.camera.time_zone))],
        sure,
        mark or None,
        "no clips in this package" if shown is None else files(shown),
    )


def files(shown: Shown) -> Content:
    """The files of a tracklet: the preview to watch, and links."""
    preview = shown.preview and tag("video", src=shown.preview, controls="controls", preload="none")
    names = (shown.preview, shown.original, shown.boxes)
    links = [tag("div", _link(name), _recorded(shown.times.get(name))) for name in names if name is not None]
    return [preview or None, links]


def _recorded(time: str | None) -> str | None:
    return time and f" recorded {time}"


def _link(name: str) -> Markup:
    return tag("a", name, href=name)


def _flag(text: str) -> Markup:
    return tag("span", text, class_="flag")
