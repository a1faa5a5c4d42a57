"""Plans, erasures, holds and rules as the API says them."""

from collections.abc import Mapping

from gallery import ErasureInfo, ErasurePlan, HoldInfo, RetentionRuleInfo
from service.erasure.schemas import (
    ErasureOut,
    ErasurePlanOut,
    HeldOut,
    HoldOut,
    PlannedRecordingOut,
    PlannedStretchOut,
    PlannedTrackletOut,
    ProofOut,
    RemainingOut,
    RetentionRuleOut,
)


def plan_out(plan: ErasurePlan) -> ErasurePlanOut:
    """A plan with everything that it lists."""
    return ErasurePlanOut(
        plan_sha256=plan.digest,
        tracklet_count=plan.tracklet_count,
        mark_count=plan.marks,
        recordings=[PlannedRecordingOut.model_validate(one, from_attributes=True) for one in plan.recordings],
        tracklets=[PlannedTrackletOut.model_validate(one, from_attributes=True) for one in plan.tracklets],
        stretches=[PlannedStretchOut.model_validate(one, from_attributes=True) for one in plan.stretches],
        photos=list(plan.probes),
        searches=list(plan.searches),
        cases=list(plan.cases),
        held=[HeldOut.model_validate(one, from_attributes=True) for one in plan.held],
        remains=[RemainingOut(what=one.what, why=one.why, ids=list(one.ids)) for one in plan.remains],
        about=None if plan.target.about is None else dict(plan.target.about),
    )


def erasure_out(erasure: ErasureInfo) -> ErasureOut:
    """An erasure with its certificate and its proof."""
    proof = erasure.proof
    return ErasureOut(
        id=erasure.id,
        at=erasure.at,
        key_id=erasure.key_id,
        kind=erasure.kind,
        certificate=dict(erasure.certificate),
        certificate_sha256=erasure.certificate_sha256,
        audit_event=erasure.event_id,
        audit_digest=erasure.event_digest,
        proof=None
        if proof is None
        else ProofOut(
            at=proof.at,
            vectors_searched=proof.vectors[0],
            vectors=proof.vectors[1],
            found=proof.found,
            rows=proof.rows,
            files=proof.files,
            note=proof.note,
        ),
        settled_at=erasure.settled_at,
    )


def hold_out(hold: HoldInfo, cameras: Mapping[int, str]) -> HoldOut:
    """A hold, with the camera by its name."""
    return HoldOut.model_validate(
        {
            "id": hold.id,
            "kind": hold.kind,
            "recording": hold.video_id,
            "camera": None if hold.camera_id is None else cameras.get(hold.camera_id, "?"),
            "case": hold.case_id,
            "start": hold.start,
            "end": hold.end,
            "reason": hold.reason,
            "key_id": hold.key_id,
            "created_at": hold.created_at,
            "lifted_by": hold.lifted_by,
            "lifted_at": hold.lifted_at,
            "lift_reason": hold.lift_reason,
        }
    )


def rule_out(rule: RetentionRuleInfo, cameras: Mapping[int, str]) -> RetentionRuleOut:
    """A rule, with the camera by its name."""
    camera = None if rule.camera_id is None else cameras.get(rule.camera_id, "?")
    return RetentionRuleOut(
        kind=rule.kind, camera=camera, days=rule.days, key_id=rule.key_id, created_at=rule.created_at
    )
