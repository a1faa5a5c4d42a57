"""From a gallery of drawn people to a judged model."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from models import checkpoint
from models.adaptation.adapt import adapt
from models.adaptation.gate import HALVES
from models.adaptation.result import Result
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Source, Verdicts
from models.adaptation.state import FILE
from models.datasets.records import Dataset, Split
from models.errors import Cancelled, TrainingError
from models.zoo import LoadedModel
from tests.models.adaptation.conftest import Finished
from tests.models.adaptation.world import FEW, FORGIVING, World, quick, small_model
from tests.models.narrow import narrow_lite0
from tests.models.people import draw_tracklets

ONE_ROUND = quick(gate=FORGIVING, rounds=1)


def run(
    source: Source, parent: LoadedModel, folder: Path, settings: AdaptationSettings | None = None
) -> Result:
    return adapt(source, parent, settings or quick(gate=FORGIVING), folder, name="ours", device="cpu")


def test_a_model_is_adapted_judged_and_described(parent: LoadedModel, finished: Finished) -> None:
    result = finished.result

    assert result.outcome in {"adapted", "kept"}
    assert len(result.rounds) == 2
    assert result.counts["offered"] == 40
    assert result.counts["used"] + result.counts["held out"] == 40
    assert result.recordings == ("camera-0.mp4", "camera-1.mp4")
    assert [measure.count for measure in result.measures]
    assert result.report == finished.folder / "report.html"
    model = checkpoint.load(result.model or finished.folder / "rejected")
    assert model.id != parent.id
    card = model.card["adaptation"]
    assert card["parent"] == parent.name
    assert card["parent_id"] == parent.id
    assert card["labels"] == "none"
    assert "contains what it learnt of the people" in card["contains"]
    assert card["tracklets"] == result.counts["used"]
    assert card["from"].startswith("2023-11-1")
    stages = list(dict.fromkeys(progress.stage.partition(" ")[0] for progress in finished.seen))
    assert stages == ["crops", "cutting", "embedding", "clustering", "learning", "gate"]
    assert checkpoint.weights_id(parent.network.state_dict()) == parent.id


def test_a_second_call_reads_nothing_again(parent: LoadedModel, finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    world = World()

    second = run(world, parent, tmp_path)

    assert (len(finished.world.asked), world.asked) == (40, [])
    assert weights(second, tmp_path) == weights(finished.result, finished.folder)
    assert (second.measures, second.rounds) == (finished.result.measures, finished.result.rounds)


@pytest.mark.long
def test_a_run_that_was_stopped_goes_on_to_the_same_weights(
    parent: LoadedModel, finished: Finished, tmp_path: Path
) -> None:
    calls = 0

    def after_some() -> bool:
        nonlocal calls
        calls += 1
        return calls % 7 == 0

    stops = 0
    while True:
        try:
            result = adapt(
                World(),
                parent,
                quick(gate=FORGIVING),
                tmp_path,
                name="ours",
                cancelled=after_some,
                device="cpu",
            )
            break
        except Cancelled:
            stops += 1

    assert stops > 5
    assert weights(result, tmp_path) == weights(finished.result, finished.folder)
    assert result.measures == finished.result.measures


def weights(result: Result, folder: Path) -> str:
    return checkpoint.load(result.model or folder / "rejected").id


def test_the_gate_keeps_the_parent(parent: LoadedModel, tmp_path: Path) -> None:
    """A learning rate that ruins the network: half no longer finds half."""
    result = run(World(), parent, tmp_path, ruinous(rate=0.02))

    assert result.outcome == "kept"
    assert result.model is None
    assert "The old model stays: on tracklets held out the adapted one is worse" in result.reason
    assert not (tmp_path / "model").exists()
    (halves,) = [one for one in result.measures if not one.passes]
    assert halves.after < halves.before
    assert f"{HALVES}: {100 * halves.before:.1f} % before, {100 * halves.after:.1f} % after" in result.reason
    assert (tmp_path / "rejected" / "card.json").exists()
    assert "The old model stays" in (tmp_path / "report.html").read_text()
    assert checkpoint.weights_id(parent.network.state_dict()) == parent.id


def test_marks_are_links_unless_they_cannot_be_true(parent: LoadedModel, tmp_path: Path) -> None:
    """Everybody is marked on both cameras, and as the one who walks beside them, which cannot be."""
    said = [
        Verdicts(f"s{person}", (f"{person}-0-0", f"{person}-1-0", f"{person + 1}-0-0"), ())
        for person in range(0, 20, 2)
    ]
    said.append(Verdicts("s20", ("0-0-0", "9-9-9"), ("4-0-0", "6-0-0", "8-0-0")))
    result = run(World(said=tuple(said)), parent, tmp_path, ONE_ROUND)

    (marked,) = [note for note in result.notes if "who is one person" in note]
    (refused,) = [note for note in result.notes if "cannot be true" in note]
    assert "pairs of one person" in marked
    assert "was seen side by side with that person" in refused
    assert "marked as the person of search s" in refused
    card = checkpoint.load(result.model or tmp_path / "rejected").card["adaptation"]
    assert card["labels"].startswith("marks: ")
    assert card["labels"] in marked
    assert f"labels: {card['labels']}" in (tmp_path / "report.html").read_text()

    world = World()  # marks that are gone, or came, while a run goes on change it no more
    again = run(world, parent, tmp_path, ONE_ROUND)
    assert (again.notes, world.asked) == (result.notes, [])


def test_a_radius_that_takes_everybody_for_one_person_is_noticed(parent: LoadedModel, tmp_path: Path) -> None:
    radius = {"radius": 0.999, "last_radius": 0.999, "change": 0.0, "cannot_links": False, "k1": 35}
    settings = quick(neighbourhood=radius, rounds=1)

    result = run(World(), parent, tmp_path, settings)

    (only,) = result.rounds
    assert (only.clusters, only.single) == (1, 0)
    assert any("look like one person" in note for note in result.notes)


def ruinous(rate: float) -> AdaptationSettings:
    learning = {**FEW, "warm_up": 0, "rate": rate, "ema": 0.01}
    return quick(learning=learning, gate={"least": 10, "returns_loss": 1, "negatives_gain": 1})


def test_a_network_that_is_no_longer_finite_is_not_taken(parent: LoadedModel, tmp_path: Path) -> None:
    result = run(World(), parent, tmp_path, ruinous(rate=1e6))

    assert result.outcome == "kept"
    assert "values that are not finite" in result.reason
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize(
    ("world", "said"),
    [
        (World(people=2), "4 tracklets are too few to learn from"),
        (
            World(gone=frozenset(f"{p}-{c}-0" for p in range(20) for c in range(2))),
            "no tracklet has crops any more (its recording is gone: 40)",
        ),
        (
            World(gone=frozenset(f"{p}-{c}-0" for p in range(15) for c in range(2))),
            "10 different tracklets with crops (30 have no crops any more) are too few",
        ),
        (World(length=0), "no tracklet has crops any more (its crops cannot be read: 40)"),
    ],
    ids=["too few", "all gone", "too few left", "no crops"],
)
def test_too_little_is_said_in_a_sentence(
    parent: LoadedModel, tmp_path: Path, world: World, said: str
) -> None:
    result = run(world, parent, tmp_path)

    assert result.outcome == "kept"
    assert said in result.reason
    assert not list(tmp_path.glob("model"))


def test_one_camera_is_said(parent: LoadedModel, tmp_path: Path) -> None:
    result = run(World(people=40, cameras=1), parent, tmp_path, ONE_ROUND)

    assert any("one camera" in note for note in result.notes)
    assert all("another camera" not in measure.name for measure in result.measures)


def test_one_person_is_said(parent: LoadedModel, tmp_path: Path) -> None:
    """A person alone on 36 of 40 tracklets, at times of their own."""

    class Guard(World):
        def crops(self, ids):  # type: ignore[no-untyped-def]
            for crops in super().crops(ids):
                person, camera, _ = map(int, crops.id.split("-"))
                alone = World(people=1).crops([f"{0 if person < 18 else person}-{camera}-{person}"])
                yield replace(next(alone), id=crops.id)

    result = run(
        Guard(times=False), parent, tmp_path, quick(gate=FORGIVING, neighbourhood={"k1": 30}, rounds=1)
    )

    assert any("look like one person" in note for note in result.notes), result.rounds


def test_duplicates_are_counted_and_left_out(parent: LoadedModel, tmp_path: Path) -> None:
    class Twice(World):
        def crops(self, ids):  # type: ignore[no-untyped-def]
            for crops in super().crops(ids):
                person, rest = crops.id.split("-", 1)
                same = World().crops([f"{int(person) % 15}-{rest}"])
                yield replace(next(same), id=crops.id)

    result = run(Twice(), parent, tmp_path, ONE_ROUND)

    assert result.counts["duplicates"] == 10
    assert result.counts["used"] + result.counts["held out"] == 30


def test_what_was_erased_is_not_learnt_from(parent: LoadedModel, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        adapt(World(), parent, quick(), tmp_path, name="ours", cancelled=lambda: True, device="cpu")

    with pytest.raises(TrainingError, match="2 of the tracklets of this run are no longer in the gallery"):
        run(World(people=19), parent, tmp_path, quick())


@pytest.mark.parametrize("other", ["name", "settings", "parent"])
def test_a_folder_belongs_to_one_run(parent: LoadedModel, tmp_path: Path, other: str) -> None:
    def begin(**changed: object) -> None:
        asked = {"name": "ours", "settings": quick(), "parent": parent, **changed}
        adapt(World(), folder=tmp_path, cancelled=lambda: True, device="cpu", **asked)  # type: ignore[arg-type]

    with pytest.raises(Cancelled):
        begin()
    values = {"name": "theirs", "settings": quick(seed=2), "parent": replace(parent, id="f" * 64)}
    with pytest.raises(TrainingError, match="another run"):
        begin(**{other: values[other]})


def test_a_damaged_state_is_named(parent: LoadedModel, finished: Finished, tmp_path: Path) -> None:
    shutil.copytree(finished.folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / FILE).write_bytes(b"nothing")

    with pytest.raises(TrainingError, match=FILE):
        run(World(), parent, tmp_path)


@pytest.mark.long
def test_bfloat16_learns_nearly_the_same(parent: LoadedModel, finished: Finished, tmp_path: Path) -> None:
    settings = quick(gate=FORGIVING, learning={**FEW, "bf16": True})
    fast, exact = run(World(), parent, tmp_path, settings), finished.result

    assert weights(fast, tmp_path) != weights(exact, finished.folder)
    assert fast.rounds[0].clusters == exact.rounds[0].clusters
    assert [one.loss for one in fast.rounds] == pytest.approx([one.loss for one in exact.rounds], rel=0.05)
    for one, other in zip(fast.measures, exact.measures, strict=True):
        assert one.after == pytest.approx(other.after, abs=0.05)


def test_the_precision_is_chosen_once(
    parent: LoadedModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that begins on a processor with bfloat16 goes on with it on one without, and says so."""
    settings = quick(learning={**FEW, "bf16": None}, rounds=1)
    monkeypatch.setattr("models.devices.faster_in_bf16", lambda _device: True)
    with pytest.raises(Cancelled):
        adapt(World(), parent, settings, tmp_path, name="ours", cancelled=lambda: True, device="cpu")
    monkeypatch.setattr("models.devices.faster_in_bf16", lambda _device: False)
    with pytest.raises(TrainingError, match="another run"):
        run(World(), parent, tmp_path, quick())  # which asks for float32

    result = run(World(), parent, tmp_path, settings)

    card = checkpoint.load(result.model or tmp_path / "rejected").card["adaptation"]
    assert card["settings"]["learning"]["bf16"] is True


def test_a_network_without_one_backbone_is_refused_at_once(parent: LoadedModel, tmp_path: Path) -> None:
    odd = type("Odd", (type(parent.network),), {"kind": "odd", "image_backbone": None})
    other = replace(parent, network=odd("tiny"))

    with pytest.raises(TrainingError, match="'odd' cannot be adapted; tkp, 3d-saa-cmil and vkd can"):
        run(World(), other, tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_simulated_people_take_part_and_are_judged(parent: LoadedModel, tmp_path: Path) -> None:
    people = draw_tracklets(tmp_path / "people", identities=8, size=(64, 32))
    train, test = people[:8], people[8:]
    simulated = Dataset("simulated", (Split(train, test[::2], test),))
    half = {**FEW, "simulated": 0.5}
    settings = quick(gate=FORGIVING, learning=half, rounds=1)

    alone = run(World(), parent, tmp_path / "a", settings)
    beside = adapt(World(), parent, settings, tmp_path / "b", name="ours", simulated=simulated, device="cpu")

    assert weights(alone, tmp_path / "a") != weights(beside, tmp_path / "b")
    assert any("simulated" in measure.name for measure in beside.measures)
    assert any("No simulated people" in note for note in alone.notes)


def test_a_pair_of_networks_becomes_one(tmp_path: Path) -> None:
    with narrow_lite0():
        pair = small_model("tkp")
        result = run(World(people=12), pair, tmp_path, quick(gate=FORGIVING, rounds=1, steps=2))
        network = checkpoint.load(result.model or tmp_path / "rejected").network

    state = network.state_dict()
    images = {key.removeprefix("image."): value for key, value in state.items() if key.startswith("image.")}
    assert all((state[f"video.backbone.{key}"] == value).all() for key, value in images.items())
    assert not np.any([block.norm.weight.any() for block in network.non_local_blocks()])  # type: ignore[operator]


def test_no_round_begins_that_would_not_end_in_time(parent: LoadedModel, tmp_path: Path) -> None:
    result = run(World(), parent, tmp_path, quick(gate=FORGIVING, hours=1e-6))

    assert len(result.rounds) == 1
    assert "Time was up after 1 of 2 rounds." in result.notes
