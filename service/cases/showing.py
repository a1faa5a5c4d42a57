"""Cases and journeys as the API says them."""

from gallery import CaseInfo
from service.answer_schemas import CameraRef, ConfirmationOut
from service.cases.journey import Limits, Sighting
from service.cases.schemas import (
    CaseItemOut,
    CaseNoteOut,
    CaseOut,
    CaseRow,
    GapOut,
    JourneyOut,
    SightingOut,
    TransitionOut,
)
from service.cases.sightings import Journey
from service.evidence.times import there
from service.settings import ServiceSettings


def limits_of(settings: ServiceSettings) -> Limits:
    """What the settings hold a person capable of."""
    return Limits(speed=settings.max_speed, reach=settings.camera_reach)


def case_row(case: CaseInfo) -> CaseRow:
    """A case in a list."""
    return CaseRow.model_validate(case, from_attributes=True)


def case_out(case: CaseInfo) -> CaseOut:
    """A case with what it gathers."""
    return CaseOut(
        **case_row(case).model_dump(),
        items=[CaseItemOut.model_validate(one, from_attributes=True) for one in case.items],
        notes=[CaseNoteOut.model_validate(one, from_attributes=True) for one in case.notes],
    )


def journey_out(journey: Journey) -> JourneyOut:
    """A journey with numbers from 1, as people count."""
    return JourneyOut(
        sightings=[_sighting(number, one) for number, one in enumerate(journey.sightings, 1)],
        transitions=[_transition(one) for one in journey.steps],
        conflicts=[_transition(one) for one in journey.conflicts],
        conflicts_found=journey.conflicts_found,
        gaps=[
            GapOut(
                camera=gap.camera,
                start=gap.start,
                end=gap.end,
                start_local=there(gap.start, gap.time_zone),
                end_local=there(gap.end, gap.time_zone),
                reason=gap.reason,
            )
            for gap in journey.gaps
        ],
        gaps_found=journey.gaps_found,
        max_speed=journey.limits.speed,
        camera_reach=journey.limits.reach,
        left_out=journey.left_out,
    )


def _sighting(number: int, one: Sighting) -> SightingOut:
    place = one.place
    return SightingOut(
        number=number,
        tracklet_id=one.tracklet_id,
        video_id=one.video_id,
        camera=CameraRef(name=place.name, site=place.site, time_zone=place.time_zone),
        latitude=place.position and place.position[0],
        longitude=place.position and place.position[1],
        start=one.start,
        end=one.end,
        start_local=there(one.start, place.time_zone),
        end_local=there(one.end, place.time_zone),
        probability=one.probability,
        searches=list(one.searches),
        doubted=list(one.doubted),
        confirmations=[
            ConfirmationOut.model_validate(said, from_attributes=True) for said in one.confirmations
        ],
        thumbnail_url=f"/v1/tracklets/{one.tracklet_id}/thumbnail?change={one.change}",
    )


def _transition(one: object) -> TransitionOut:
    said = TransitionOut.model_validate(one, from_attributes=True)
    return said.model_copy(update={"before": said.before + 1, "after": said.after + 1})
