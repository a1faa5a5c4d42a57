import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from models.training.optimisation.optimiser import make_optimiser, rate, set_rate
from models.training.plan import Schedule
from tests.models.training.objectives.test_tkp_objective import objective_of


def schedule(**values: object) -> Schedule:
    return Schedule.model_validate({"steps": 150, **values})


def test_the_published_schedule() -> None:
    """A tenth at epoch 60 of 150 and again at 120."""
    factors = [rate(schedule(), step, 150) for step in range(150)]
    assert factors == pytest.approx([1.0] * 60 + [0.1] * 60 + [0.01] * 30)


def test_a_warm_up_climbs_in_equal_steps_to_the_full_rate() -> None:
    plan = schedule(warm_up=4)
    assert [rate(plan, step, 150) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]


def test_the_cosine_by_hand() -> None:
    """Full after the warm-up, half way between both ends in the middle, near the least at the end."""
    plan = schedule(kind="cosine", warm_up=50, least=0.2)
    assert rate(plan, 50, 150) == pytest.approx(1.0)
    assert rate(plan, 75, 150) == pytest.approx(0.2 + 0.8 * (1 + math.sqrt(0.5)) / 2)
    assert rate(plan, 100, 150) == pytest.approx(0.6)
    assert rate(plan, 149, 150) == pytest.approx(0.2, abs=1e-3)


@given(
    st.sampled_from(["multistep", "cosine"]), st.integers(1, 200), st.integers(0, 250), st.integers(0, 199)
)
def test_a_rate_is_positive_and_never_above_the_full_one(
    kind: str, steps: int, warm_up: int, step: int
) -> None:
    plan = schedule(kind=kind, warm_up=warm_up)
    if step < steps:
        assert 0 < rate(plan, step, steps) <= 1
    if warm_up <= step < steps - 1:
        assert rate(plan, step + 1, steps) <= rate(plan, step, steps)


def test_parts_have_their_own_rates() -> None:
    rates = {"image": 0.5, "video": 2.0, "non_local": 3.0, "classifier": 10.0}
    objective = objective_of(f"optimiser.rates={rates}", "optimiser.name=adamw", "system.neck=bn")
    optimiser = make_optimiser(objective, objective.plan.optimiser)
    set_rate(optimiser, 0.01)
    found = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    network = objective.network
    assert found[id(next(network.image.parameters()))] == pytest.approx(0.005)
    assert found[id(next(network.video.backbone.parameters()))] == pytest.approx(0.02)
    assert found[id(network.non_local_blocks()[0].theta.weight)] == pytest.approx(0.03)
    assert found[id(objective.head.classifier.weight)] == pytest.approx(0.1)
    assert isinstance(optimiser, torch.optim.AdamW)


def test_plain_descent_with_momentum_by_hand() -> None:
    """Two steps with the same gradient g: the first moves by rate x g, the second by rate x 1.9 g."""
    plain = "system.classifier_norm=false"
    objective = objective_of("optimiser={name: sgd, momentum: 0.9, weight_decay: 0}", plain)
    optimiser, bias = make_optimiser(objective, objective.plan.optimiser), objective.head.classifier.bias
    set_rate(optimiser, 0.1)
    before = bias.detach().clone()
    for moved in (0.1, 0.29):
        bias.grad = torch.ones_like(bias)
        optimiser.step()
        assert torch.allclose(before - bias, torch.full_like(bias, moved))
    assert isinstance(optimiser, torch.optim.SGD)


@pytest.mark.parametrize("overrides", [[], ["optimiser.frozen_blocks=4"], ["system.branches=[video]"]])
def test_every_parameter_that_learns_is_in_one_group_and_no_other(overrides: list[str]) -> None:
    objective = objective_of(*overrides)
    optimiser = make_optimiser(objective, objective.plan.optimiser)
    held = [id(p) for group in optimiser.param_groups for p in group["params"]]
    learning = [id(p) for p in objective.parameters() if p.requires_grad]
    assert sorted(held) == sorted(learning)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd"])
def test_weights_of_layers_decay_and_norms_and_biases_do_not(name: str) -> None:
    objective = objective_of(f"optimiser={{name: {name}, weight_decay: 0.5}}", "system.classifier_norm=false")
    optimiser = make_optimiser(objective, objective.plan.optimiser)
    decays = {id(p): group["weight_decay"] for group in optimiser.param_groups for p in group["params"]}
    block, head = objective.network.non_local_blocks()[0], objective.head.classifier
    assert decays[id(head.weight)] == decays[id(block.theta.weight)] == 0.5
    assert decays[id(head.bias)] == decays[id(block.norm.weight)] == decays[id(block.theta.bias)] == 0
    assert decays.keys() == {id(p) for p in objective.parameters() if p.requires_grad}
