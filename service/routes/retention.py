"""Retention: for how many days things are kept."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response

from gallery import ErasureKind, ErasureTarget, RetentionKind
from service.auth import CallerDep
from service.erasure import showing, targets
from service.erasure.schemas import (
    RetentionRuleIn,
    RetentionRuleList,
    RetentionRuleOut,
    RetentionRunIn,
    RetentionRunOut,
)
from service.problems import declared
from service.schemas import Name
from service.state import State, StateDep

router = APIRouter(prefix="/v1", tags=["erasure"])


@router.get("/retention-rules", operation_id="listRetentionRules", summary="Rules of retention")
def list_rules(state: StateDep) -> RetentionRuleList:
    """All on one page; what no rule is about is kept."""
    names = targets.camera_names(state)
    return RetentionRuleList(items=[showing.rule_out(one, names) for one in state.gallery.retention.list()])


@router.put(
    "/retention-rules", operation_id="setRetentionRule", summary="Set a rule", responses=declared(413)
)
def set_rule(state: StateDep, caller: CallerDep, wanted: RetentionRuleIn) -> RetentionRuleOut:
    """In the place of the rule of before. Workers follow it from then on: list first what would go."""
    camera = None if wanted.camera is None else targets.camera_of(state, wanted.camera).id
    kind = RetentionKind(wanted.kind)
    rule = state.gallery.retention.set(kind, wanted.days, camera_id=camera, key_id=caller.key_id)
    return showing.rule_out(rule, targets.camera_names(state))


@router.delete(
    "/retention-rules",
    operation_id="removeRetentionRule",
    summary="Remove a rule",
    status_code=204,
    response_class=Response,
    responses=declared(404),
)
def remove_rule(
    state: StateDep,
    caller: CallerDep,
    kind: Annotated[Literal["recordings", "probes", "searches"], Query(description="What it is about")],
    camera: Annotated[
        Name | None, Query(description="Of recordings: the camera; absent: that of all")
    ] = None,
) -> None:
    """What it was about is kept from then on, or as the rule for all cameras says."""
    camera_id = None if camera is None else targets.camera_of(state, camera).id
    state.gallery.retention.remove(RetentionKind(kind), camera_id=camera_id, key_id=caller.key_id)


@router.post(
    "/retention-runs",
    operation_id="runRetention",
    summary="Follow the rules of retention now",
    responses=declared(409, 413),
)
def run_rules(state: StateDep, caller: CallerDep, wanted: RetentionRunIn) -> RetentionRunOut:
    """Workers do so every hour. What a legal hold keeps stays, and is named."""
    erasures = state.gallery.erasures
    if wanted.dry_run:
        plan = erasures.plan(_target(state, wanted.rule))
        return RetentionRunOut(plan=showing.plan_out(plan), erasure=None)
    done = erasures.follow_rules(key_id=caller.key_id)
    return RetentionRunOut(plan=None, erasure=None if done is None else showing.erasure_out(done))


def _target(state: State, rule: RetentionRuleIn | None) -> ErasureTarget:
    """What the rules do not keep, as if another one were set, too."""
    if rule is None:
        return ErasureTarget(kind=ErasureKind.RETENTION)
    camera = None if rule.camera is None else targets.camera_of(state, rule.camera).id
    tried = {"kind": rule.kind, "camera_id": camera, "days": rule.days}
    return ErasureTarget(kind=ErasureKind.RETENTION, about={"rule": tried})
