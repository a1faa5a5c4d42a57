"""From a request to what it wants to be gone; a person's tracklets are found by their features."""

from gallery import (
    CameraInfo,
    ErasureKind,
    ErasurePlan,
    ErasureTarget,
    Filters,
    Gallery,
    NotFound,
    RankBy,
    SearchInfo,
    Verdict,
)
from service.auth import Caller
from service.erasure.schemas import ErasureIn, PersonIn
from service.errors import InvalidRequest, StateConflict
from service.searches import answers
from service.searches.again import asked_with
from service.state import State

MOST = 50_000


def target_of(state: State, caller: Caller, wanted: ErasureIn) -> ErasureTarget:
    """What a request names.

    Raises:
        NotFound: the caller has no such search.
        InvalidRequest: no such camera.
        StateConflict: the person cannot be searched for again, or too many tracklets are near.
    """
    if wanted.person is not None:
        search = answers.own_search(state, caller, wanted.person.search_id)
        return person(state, search, wanted.person)
    named = {
        ErasureKind.RECORDINGS: wanted.recordings,
        ErasureKind.TRACKLETS: wanted.tracklets,
        ErasureKind.CASES: wanted.cases,
    }
    for kind, ids in named.items():
        if ids is not None:
            return ErasureTarget(kind=kind, ids=tuple(ids))
    camera = None if wanted.camera is None else camera_of(state, wanted.camera).id
    whole = wanted.start is None and wanted.end is None
    kind = ErasureKind.CAMERA if whole else ErasureKind.STRETCH
    return ErasureTarget(kind=kind, camera_id=camera, start=wanted.start, end=wanted.end)


def listed(gallery: Gallery, target: ErasureTarget, *, key_id: str | None) -> ErasurePlan:
    """What an erasure would take. That it was listed is recorded: the tracklets of a person are a search.

    Args:
        gallery: where.
        target: what is to be gone.
        key_id: who asks; None for the command line.

    Raises:
        NotFound: something that it names is not there.
    """
    plan = gallery.erasures.plan(target)
    detail = {"kind": target.kind.value, "plan_sha256": plan.digest, "tracklets": plan.tracklet_count}
    gallery.audit.record("erasure.plan", key_id=key_id, subject=target.search_id, detail=detail)
    return plan


def camera_of(state: State, name: str) -> CameraInfo:
    """A camera by its name. Raises InvalidRequest: there is none."""
    try:
        return state.gallery.catalogue.camera_named(name)
    except NotFound as error:
        raise InvalidRequest(f"There is no camera {name!r}.", "/camera") from error


def camera_names(state: State) -> dict[int, str]:
    """The names of all cameras, by their ids."""
    return {camera.id: camera.name for camera in state.gallery.catalogue.cameras()}


def person(state: State, search: SearchInfo, wanted: PersonIn) -> ErasureTarget:
    """All tracklets that are near what was searched for, by plain cosine, with what people said of them.

    Every tracklet of the gallery is compared, whatever the filters of the search were: the list is complete
    by construction. Hits marked as matches belong to it wherever they rank; those marked as somebody else do
    not.

    Raises:
        StateConflict: the search was answered by another model than the one in use, what it looked for is
            gone, or more than 50,000 tracklets are that near.
    """
    embedder = state.networks.embedder
    snapshot = state.gallery.snapshot(embedder.id)
    vector = asked_with(state, search, embedder, snapshot)
    ranking = snapshot.search(
        vector, limit=max(1, min(MOST + 1, snapshot.tracklet_count)), filters=Filters(), by=RankBy.COSINE
    )
    near = {hit.tracklet_id: hit.score for hit in ranking.hits if hit.score >= wanted.above}
    if len(near) > MOST:
        raise StateConflict(f"More than {MOST} tracklets score {wanted.above} or more: raise the line.")
    verdicts = {mark.tracklet_id: mark.verdict for mark in state.gallery.marks.of(search.id)}
    there = state.gallery.catalogue.tracklets([*verdicts])
    confirmed = {one for one, verdict in verdicts.items() if verdict is Verdict.MATCH and one in there}
    others = {one for one, verdict in verdicts.items() if verdict is Verdict.NOT}
    ids = sorted((near.keys() | confirmed) - others - set(wanted.leave_out))
    about = {
        "model": embedder.id,
        "above": wanted.above,
        "compared": ranking.compared,
        "marked_as_matches": len(confirmed),
        "left_out": sorted((others | set(wanted.leave_out)) & near.keys()),
        "scores": {one: round(near[one], 4) for one in ids if one in near},
    }
    if ranking.damaged:
        about["damaged_segments"] = [one.segment_id for one in ranking.damaged]
    return ErasureTarget(kind=ErasureKind.PERSON, ids=tuple(ids), search_id=search.id, about=about)
