"""The training loop of all systems, on one process or on several under torchrun.

A step averages the gradients of `accumulate` batches. Batches are numbered through the whole run; what is in
number n, and how it is augmented, is a function of the seed and n. So a run resumes exactly, and several
processes, which deal the batches of a step out among themselves, learn what one process would.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from functools import partial
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from models.checkpoint import LoadedModel
from models.datasets.clips import Clips
from models.datasets.records import DISTRACTOR, JUNK, Tracklet, cut_tracklets
from models.datasets.worlds import worlds_of
from models.devices import in_bf16
from models.errors import BadDataset, BadRecipe, TrainingError
from models.memory import keep_memory
from models.preprocessing import Preprocessing, standardise
from models.training.augment import augment, augment_truth
from models.training.begin import begin
from models.training.graph import look_alikes
from models.training.loading import batches, batches_per_epoch, fingerprint, generator
from models.training.log import Log
from models.training.objectives import OBJECTIVES, Objective, People
from models.training.optimisation.averaging import average_of
from models.training.optimisation.norms import estimate_norms
from models.training.optimisation.optimiser import make_optimiser, rate, set_rate
from models.training.plan import DAMAGE, GRAPH, Augmentation
from models.training.processes import Place, joined
from models.training.recipe import Recipe
from models.training.result import write_model
from models.training.state import FILE as STATE
from models.training.state import MODEL, State, restore_state, save_state

Advance = Callable[[int, int, float], None]
"""Called after each step with its number, the number of all steps, and the loss last logged."""


def train(
    recipe: Recipe,
    tracklets: Sequence[Tracklet],
    out: Path,
    *,
    dataset: str,
    device: str = "auto",
    resume: bool = False,
    finish: bool = False,
    root: Path | None = None,
    captions: Mapping[int, str] | None = None,
    advance: Advance | None = None,
) -> Path:
    """Train a network to the last step of its recipe.

    Args:
        recipe: all that matters but the data.
        tracklets: to learn from; distractors and junk are left out.
        out: folder of the run: log.jsonl, TensorBoard's files, state.pt to resume from, and model/.
        dataset: name of the data, for the card.
        device: "auto", "cpu" or "cuda:N".
        resume: go on from the state in `out`, if there is one; else `out` must not hold a run.
        finish: stop training and write the current network of the run in `out`.
        root: folder of the data set; body parts lie in it, where training needs them (models.datasets.truth).
        captions: what each identity looks like, in words, where the data has it.
        advance: told of every step.

    Returns:
        The folder of the checkpoint, for `models.checkpoint.load`.

    Raises:
        BadRecipe: the recipe does not fit the data or the number of processes.
        BadDataset: too few tracklets, a frame that cannot be read, or no body parts or captions where they
            are needed.
        TrainingError: the folder holds another run, or the loss is no longer finite.
        BadCheckpoint, UnknownModel, MissingWeights, DeviceUnavailable: what to begin with is not available.
    """
    tracklets = [t for t in tracklets if t.identity not in {DISTRACTOR, JUNK}]
    if finish and not (out / STATE).exists():
        raise TrainingError(f"{out} holds no run that could be finished")
    if not resume and not finish and (out / STATE).exists():
        raise TrainingError(f"{out} holds a run already: resume it, or choose another folder")
    keep_memory()
    with joined(device) as place:
        begun = begin(recipe)
        people = people_of(tracklets, captions)
        state = prepare(recipe, begun, people, place)
        if not state.objective.needs_truth:
            root = None
        elif root is None:
            raise BadDataset(f"{recipe.name} learns from body parts, and no folder is given to find them in")
        data = people.data if root is None else fingerprint(tracklets, root, people.captions or ())
        restore_state(out, state, recipe, data)
        if place.writes:
            out.mkdir(parents=True, exist_ok=True)
        length = recipe.batches.pieces
        pieces = tracklets if length is None else cut_tracklets(tracklets, length)
        if not finish:
            run(
                recipe,
                pieces,
                begun.preprocessing,
                state,
                place,
                out=out,
                data=data,
                truth=root,
                advance=advance,
            )
        if place.writes:
            facts = {"dataset": dataset, "data_sha256": data, "tracklets": len(tracklets)}
            facts |= {"processes": place.world, "bf16": in_bf16(recipe.run.bf16, place.device)}
            objective = final_objective(recipe, pieces, begun.preprocessing, state, place, truth=root)
            write_model(out / MODEL, recipe, begun, state, objective, facts=facts)
    return out / MODEL


def run(
    recipe: Recipe,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    state: State,
    place: Place,
    *,
    out: Path,
    data: str,
    truth: Path | None = None,
    advance: Advance | None = None,
) -> None:
    """Take the steps from `state.step` to the last."""
    steps = count_steps(recipe, tracklets)
    plan: Iterator[tuple[int, Clips]] | None = None
    objective, optimiser = state.objective, state.optimiser
    model = DistributedDataParallel(objective) if place.world > 1 else objective
    learnt = [parameter for parameter in objective.parameters() if parameter.requires_grad]
    longest = recipe.optimiser.clip_gradient or math.inf
    objective.train()
    shown = math.nan
    with Log(out, state.step) if place.writes else nullcontext() as log:
        while state.step < steps:
            began = time.monotonic()
            set_rate(optimiser, recipe.optimiser.learning_rate * rate(recipe.schedule, state.step, steps))
            if plan is None or looks_anew(recipe, state):
                plan = planned(recipe, tracklets, preprocessing, state, place, truth=truth)
            values = learn(model, plan, recipe, preprocessing, place) | objective.diagnostics
            if recipe.optimiser.clamp_gradient is not None:
                torch.nn.utils.clip_grad_value_(learnt, recipe.optimiser.clamp_gradient)
            values["gradient"] = torch.nn.utils.clip_grad_norm_(learnt, longest)
            optimiser.step()
            optimiser.zero_grad()
            if state.average is not None:
                state.average.update_parameters(objective.network)
            state.step += 1
            objective.after_step(state.step, steps)
            state.seconds += time.monotonic() - began
            last = state.step == steps
            if state.step % recipe.run.log_every == 0 or last:
                numbers = read_out(values, place)
                shown = numbers["loss"]
                if not math.isfinite(shown):
                    raise TrainingError(f"the loss is {shown} at step {state.step}: lower the learning rate")
                if log is not None:
                    numbers |= {"rate": optimiser.param_groups[0]["lr"], "seconds": time.monotonic() - began}
                    log.write(state.step, numbers)
            if place.writes and (state.step % recipe.run.save_every == 0 or last):
                save_state(out, state, recipe, data)
            if advance is not None and place.writes:
                advance(state.step, steps, shown)


def planned(
    recipe: Recipe,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    state: State,
    place: Place,
    *,
    truth: Path | None = None,
) -> Iterator[tuple[int, Clips]]:
    """This process's batches from the next step on; the graph sampler looks first where it is time to."""
    if recipe.batches.sampler == GRAPH and (state.neighbours is None or looks_anew(recipe, state)):
        network = state.objective.network
        state.neighbours = look_alikes(
            network, recipe, tracklets, preprocessing, step=state.step, device=place.device
        )
    return batches(
        recipe,
        tracklets,
        preprocessing,
        start=state.step * recipe.batches.accumulate + place.rank,
        every=place.world,
        truth=truth,
        neighbours=state.neighbours,
    )


def looks_anew(recipe: Recipe, state: State) -> bool:
    """Whether the graph sampler's neighbours are found anew before the next step, as before the first."""
    return recipe.batches.sampler == GRAPH and state.step % recipe.batches.graph_every == 0


def learn(
    model: nn.Module,
    plan: Iterator[tuple[int, Clips]],
    recipe: Recipe,
    preprocessing: Preprocessing,
    place: Place,
) -> dict[str, Tensor]:
    """Add up the gradients of this process's share of a step; returns its losses and the wait for data."""
    share = recipe.batches.accumulate // place.world
    sums: defaultdict[str, Tensor] = defaultdict(lambda: torch.zeros((), device=place.device))
    for index in range(share):
        asked = time.monotonic()
        number, clips = next(plan)
        sums["wait"] += time.monotonic() - asked
        x, clips = ready_batch(number, clips, recipe, preprocessing, place)
        # Processes exchange gradients once a step, with its last batch.
        with nullcontext() if index == share - 1 else alone(model):
            terms = model(x, clips)
            loss = torch.stack(list(terms.values())).sum()
            torch.autograd.backward(loss / share)
        for name, term in {**terms, "loss": loss}.items():
            sums[name] += term.detach() / share
    return dict(sums)


def ready_batch(
    number: int, clips: Clips, recipe: Recipe, preprocessing: Preprocessing, place: Place
) -> tuple[Tensor, Clips]:
    """What an objective sees of batch `number`: (N, T, 3, H, W) augmented and standardised, and the rest."""
    clips = clips.to(place.device)
    torch.manual_seed(generator(recipe.run.seed, number).initial_seed())  # for dropout and the like
    settings = recipe.augmentation

    def ready(settings: Augmentation) -> Tensor:
        x = augment(clips.pixels, settings, generator(recipe.run.seed, number))
        return standardise(x.flatten(0, 1), preprocessing).view_as(x)

    truth = clips.truth
    if truth is not None:
        truth = augment_truth(truth, settings, generator(recipe.run.seed, number))
    undamaged = settings.model_copy(update=dict.fromkeys(DAMAGE, 0.0))
    clean = ready(undamaged) if recipe.system.wants_clean else None
    return ready(settings), clips._replace(truth=truth, clean=clean)


def final_objective(
    recipe: Recipe,
    tracklets: Sequence[Tracklet],
    preprocessing: Preprocessing,
    state: State,
    place: Place,
    *,
    truth: Path | None = None,
) -> Objective:
    """A copy of the objective with the network to write: averaged weights, and statistics that fit them.

    The batches are those that would come next, so they are a function of seed and step, as all others are.
    """
    objective = deepcopy(state.objective)
    if state.average is not None:
        objective.network.load_state_dict(state.average.module.state_dict())
    objective.train()
    start = state.step * recipe.batches.accumulate
    plan = batches(recipe, tracklets, preprocessing, start=start, truth=truth, neighbours=state.neighbours)

    def passes() -> Iterator[Callable[[], object]]:
        for number, clips in islice(plan, recipe.optimiser.norm_batches):
            yield partial(objective, *ready_batch(number, clips, recipe, preprocessing, place))

    estimate_norms(objective.network, passes())
    return objective


def alone(model: nn.Module) -> AbstractContextManager[None]:
    """While this lasts, processes keep their gradients to themselves."""
    return model.no_sync() if isinstance(model, DistributedDataParallel) else nullcontext()


def read_out(values: Mapping[str, Tensor], place: Place) -> dict[str, float]:
    """The values as numbers, averaged over the processes."""
    numbers = place.average(torch.stack([value.detach().to(place.device) for value in values.values()]))
    return dict(zip(values, numbers.tolist(), strict=True))


def count_steps(recipe: Recipe, tracklets: Sequence[Tracklet]) -> int:
    """Steps of a whole run. Raises BadDataset when there are too few tracklets."""
    if recipe.schedule.steps is not None:
        return recipe.schedule.steps
    assert recipe.schedule.epochs is not None
    return max(1, recipe.schedule.epochs * batches_per_epoch(recipe, tracklets) // recipe.batches.accumulate)


def people_of(tracklets: Sequence[Tracklet], captions: Mapping[int, str] | None = None) -> People:
    """The people of the tracklets, in the order of their labels.

    Raises:
        BadDataset: one has no caption, or a frame is not there.
    """
    worlds = worlds_of(tracklets)
    if captions is not None and (silent := sorted(worlds.keys() - captions.keys())):
        raise BadDataset(f"no caption of person {silent[0]}, in all {len(silent)} people")
    words = None if captions is None else tuple(captions[identity] for identity in worlds)
    return People(torch.tensor(list(worlds.values())), words, fingerprint(tracklets, captions=words or ()))


def prepare(recipe: Recipe, begun: LoadedModel, people: People, place: Place) -> State:
    """The state before the first step. Raises BadRecipe."""
    if recipe.batches.accumulate % place.world:
        raise BadRecipe(
            f"batches.accumulate: {place.world} processes cannot share {recipe.batches.accumulate} batches"
        )
    network = begun.network.requires_grad_(True)
    seeded = torch.Generator().manual_seed(recipe.run.seed)
    objective = OBJECTIVES[recipe.network](network, people, recipe, recipe.system, seeded)
    objective.to(device=place.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = make_optimiser(objective, recipe.optimiser)
    average = None
    if decay := recipe.optimiser.ema:
        average = average_of(network, decay)
    if recipe.run.compile:
        for part in network.children():
            part.compile()
    return State(objective, optimiser, average)
