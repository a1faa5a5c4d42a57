"""The part of a case's evidence package that its searches do not have: notes, and the journey."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gallery import CaseInfo, ItemKind, SearchInfo
from service.auth import Caller
from service.cases import drawing, showing
from service.cases.journey import Sighting, Transition
from service.cases.sightings import Journey, journey_of
from service.evidence import package, report
from service.evidence.archive import Part
from service.evidence.html import Content, table, tag
from service.evidence.media import Media
from service.evidence.package import Package, Subject
from service.evidence.times import span, there
from service.state import State

TIMELINE = "journey/timeline.svg"
GROUND = "journey/map.svg"


def of_case(
    state: State, caller: Caller, case: CaseInfo, hits: int, *, only_confirmed: bool = False
) -> Package:
    """A package of a case: its searches, the clips of their marked hits, notes and journey.

    Args:
        state: the service.
        caller: who takes it.
        case: the case.
        hits: so many first hits of each search get clips, besides all marked ones.
        only_confirmed: clips and journey are of hits alone whose mark a second person confirmed.
    """
    searches: list[SearchInfo] = []
    for one in case.of(ItemKind.SEARCH):
        searches.append(state.gallery.searches.get(one))
        package.require_room(sum(len(search.hits) for search in searches))
    limits = showing.limits_of(state.settings)
    journey = journey_of(state.gallery, case, limits, only_confirmed=only_confirmed)
    title = f"Case {case.title}" if case.number is None else f"Case {case.number}: {case.title}"
    subject = Subject("case", case.id, title, searches, CaseChapter(case, journey, only_confirmed))
    return Package(state, caller, subject, hits, only_confirmed)


@dataclass(frozen=True, slots=True)
class CaseChapter:
    """See `service.evidence.package.Chapter`."""

    case: CaseInfo
    journey: Journey
    only_confirmed: bool = False

    def subjects(self) -> Sequence[str]:
        """The case itself is the package's subject; nothing else is only its own."""
        return ()

    def probes(self) -> Sequence[str]:
        """Photos that were put into the case without a search."""
        return self.case.of(ItemKind.PHOTO)

    def parts(self, media: Media) -> Iterator[Part]:
        """The case, its journey as numbers and as pictures; what was erased is among what is not there."""
        for item in self.case.items:
            if item.erased_at is not None:
                media.leave_out(f"{item.kind}", item.subject_id, "it was erased")
        yield Part.of_json("case.json", showing.case_out(self.case).model_dump(mode="json"))
        yield Part.of_json("journey/journey.json", showing.journey_out(self.journey).model_dump(mode="json"))
        yield Part(TIMELINE, drawing.timeline(self.journey))
        yield Part(GROUND, drawing.ground(self.journey))

    def section(self, media: Media) -> Content:
        """What a reader of the report sees of it."""
        case, journey = self.case, self.journey
        facts = [("title", case.title), ("number", case.number), ("purpose", case.purpose)]
        return tag(
            "section",
            tag("h2", "The case"),
            tag("table", [tag("tr", tag("th", key), tag("td", value)) for key, value in facts]),
            tag("h3", "Notes"),
            table(
                ("when (UTC)", "by key", "note"),
                ((there(one.at, "UTC"), one.key_id, one.text) for one in case.notes),
            ),
            tag("h2", "The journey"),
            tag(
                "p",
                "Every hit that was marked as the person",
                " and confirmed by a second person" if self.only_confirmed else None,
                ", on the clocks of the cameras. ",
                self._caution(),
            ),
            tag("img", src=TIMELINE, alt="the sightings over time"),
            tag("img", src=GROUND, alt="the sightings on the ground"),
            table(
                ("number", "seen", "camera and time", "marked on", "files"),
                (_seen(number, one, media) for number, one in enumerate(journey.sightings, 1)),
            ),
            tag("h3", "From one to the next"),
            table(("from", "to", "seconds", "metres", "m/s", ""), map(_step, journey.steps)),
            tag("h3", "What one person cannot have done"),
            table(("from", "to", "seconds", "metres", "m/s", ""), map(_step, journey.conflicts)),
            tag("h3", "Not recorded here between the first sighting and the last"),
            table(
                ("camera", "time", "why"),
                ((gap.camera, span(gap.start, gap.end, gap.time_zone), gap.reason) for gap in journey.gaps),
            ),
        )

    def _caution(self) -> Content:
        limits = self.journey.limits
        more = f" {self.journey.left_out} more are not shown." if self.journey.left_out else ""
        return (
            f"A transition is flagged over {limits.speed:g} m/s, on the way that lies more than "
            f"{limits.reach:g} m from both cameras; a person in a vehicle is faster.{more}"
        )


def _seen(number: int, one: Sighting, media: Media) -> Sequence[Content]:
    shown = media.shown.get(one.tracklet_id)
    if shown is not None and shown.tracklet.change != one.change:
        shown = None  # indexed anew between the journey and the clips
    doubted = tag("div", "marked as somebody else on ", ", ".join(one.doubted), class_="flag")
    return (
        number,
        (shown and shown.strip and tag("img", src=shown.strip, alt="four crops"))
        or tag("code", one.tracklet_id),
        [one.place.name, tag("div", span(one.start, one.end, one.place.time_zone))],
        [
            ", ".join(one.searches),
            doubted if one.doubted else None,
            [tag("div", report.second_word(said), class_="small") for said in one.confirmations],
        ],
        "no clips in this package" if shown is None else report.files(shown),
    )


def _step(one: Transition) -> Sequence[Content]:
    return (
        one.before + 1,
        one.after + 1,
        f"{one.seconds:.1f}",
        None if one.metres is None else f"{one.metres:.0f}",
        None if one.speed is None else f"{one.speed:.1f}",
        None if one.reason is None else tag("span", one.reason, class_="flag"),
    )
