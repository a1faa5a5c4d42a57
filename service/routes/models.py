"""Models: which the gallery keeps, which is in use, and changing that."""

from typing import Annotated

from fastapi import APIRouter, Body, Path, Request

from gallery import RegisteredModel
from models.errors import ModelError
from service import networks
from service.auth import CallerDep
from service.errors import StateConflict
from service.model_cards import read_card
from service.model_schemas import ModelInUse, ModelList, PromotionIn, RegisteredModelOut
from service.problems import declared
from service.shadow import shadow_report
from service.shadow_schemas import ShadowIn, ShadowReport
from service.shipped import is_shipped, kept
from service.state import State, StateDep

router = APIRouter(prefix="/v1/models", tags=["models"])
ModelPath = Annotated[str, Path(max_length=64, description="Name, or the beginning of the id")]


@router.get("", operation_id="listModels", summary="All models of the gallery")
def list_models(state: StateDep) -> ModelList:
    """Those that are kept, and those that videos are embedded with; oldest first, all on one page."""
    return ModelList(items=[_out(state, model) for model in state.gallery.models.all()])


@router.get("/{model}", operation_id="getModel", summary="A model", responses=declared(404, 409))
def get_model(state: StateDep, model: ModelPath) -> RegisteredModelOut:
    """By its name or id."""
    return _out(state, state.gallery.models.find(model))


@router.post(
    "/rollback", operation_id="rollBackModel", summary="Undo the last promotion", responses=declared(409)
)
def roll_back(state: StateDep, caller: CallerDep) -> ModelInUse:
    """The model before it is in use again."""
    now = state.gallery.models.rollback(key_id=caller.key_id)
    return ModelInUse(model=None if now is None else _out(state, now))


@router.post(
    "/{model}/shadow",
    operation_id="shadowModel",
    summary="What would change for real searches with a model",
    responses=declared(404, 409, 413),
)
async def shadow_model(
    *,
    state: StateDep,
    caller: CallerDep,
    request: Request,
    model: ModelPath,
    wanted: Annotated[ShadowIn | None, Body()] = None,
) -> ShadowReport:
    """Lets it and the model in use answer the last recorded searches, and says how the answers differ.

    Nobody sees those answers, and they are not recorded; that it was done is. Photos are used only where the
    operator has set SIGHTLINE_COMPARE_SEARCHES, and while they are kept. One report is made at a time.
    409: it is the model in use, nothing is embedded with it, or it cannot be used.
    """

    def report() -> ShadowReport:
        found = state.gallery.models.find(model)
        before = state.networks.embedder
        if found.id == before.id:
            raise StateConflict(f"{found.name} is the model in use.")
        if not found.tracklets:
            raise StateConflict(f"Nothing is embedded with {found.name} yet.")
        try:
            after = networks.try_registered(state.settings, found)
        except ModelError as error:
            raise StateConflict(f"The model cannot be used: {error}") from error
        searches = (wanted or ShadowIn()).searches
        try:
            return shadow_report(state, before, after, searches=searches, key_id=caller.key_id)
        finally:
            if after.id != state.networks.embedder.id:  # it may have been promoted meanwhile
                state.gallery.forget(after.id)

    return await state.reports_lane.run(caller.key_id, request, report)


@router.post(
    "/{model}/promote",
    operation_id="promoteModel",
    summary="Let a model be the one in use",
    responses=declared(404, 409, 413),
)
def promote(state: StateDep, caller: CallerDep, model: ModelPath, wanted: PromotionIn) -> ModelInUse:
    """Servers and workers follow within seconds; searches that are under way end with the model before.

    Refused while videos are not embedded with it, unless `allow_missing` is set. One that comes with the
    program is copied into the gallery first, so that an update of the program does not change it.
    """
    found = kept(state.gallery, model, key_id=caller.key_id)
    if found.folder is not None:
        try:
            networks.try_model(state.settings, str(found.folder))
        except ModelError as error:
            raise StateConflict(f"The model cannot be used: {error}") from error
    now = state.gallery.models.promote(found.id, allow_missing=wanted.allow_missing, key_id=caller.key_id)
    return ModelInUse(model=_out(state, now))


def _out(state: State, model: RegisteredModel) -> RegisteredModelOut:
    return RegisteredModelOut(
        id=model.id,
        name=model.name,
        dimension=model.dimension,
        promoted=model.promoted,
        in_use=state.networks.ready and state.networks.embedder.id == model.id,
        shipped=is_shipped(model.name, model.id),
        kept=model.folder is not None,
        origin=model.card.get("origin"),
        warning=model.card.get("warning"),
        card=read_card(model.card),
        videos=model.videos,
        missing_videos=state.gallery.models.missing(model.id),
        tracklets=model.tracklets,
        created_at=model.created_at,
    )
