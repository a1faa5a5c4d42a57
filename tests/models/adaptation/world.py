"""A gallery of drawn people: a person is the colours of two halves, a camera its brightness and tint."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from models import zoo
from models.adaptation.settings import AdaptationSettings
from models.adaptation.source import Crops, Sighting, Verdicts
from models.preprocessing import Crop
from models.zoo import LoadedModel

SIZE = (64, 32)

FEW = {"clusters": 4, "tracklets": 2, "norm_batches": 2, "warm_up": 1, "bf16": False}
"""Learning that takes seconds, the same on every processor."""

FORGIVING = {"least": 10, "halves_loss": 1, "negatives_gain": 1, "returns_loss": 1, "simulated_loss": 1}
"""A gate that lets nearly everything pass."""


def small_model(kind: str = "vkd") -> LoadedModel:
    """An untrained network that takes small crops."""
    model = zoo.untrained("efficientnet-lite0", kind, neck=True)
    model.network.requires_grad_(False)
    return replace(model, preprocessing=replace(model.preprocessing, height=SIZE[0], width=SIZE[1]))


def quick(**values: object) -> AdaptationSettings:
    """Settings that take seconds."""
    few = {
        "rounds": 2,
        "steps": 3,
        "least": 10,
        "tracklets": 1000,
        "save_every": 1,
        "learning": FEW,
        "gate": {"least": 10},
    }
    return AdaptationSettings.model_validate({**few, **values})


@dataclass
class World:
    """A source.

    Attributes:
        people: how many there are.
        cameras: each person passes all of them.
        tracklets: that a person leaves on each camera.
        length: crops of a tracklet.
        gone: ids of tracklets whose recording is gone.
        asked: ids that crops were asked of, in this process.
    """

    people: int = 20
    cameras: int = 2
    tracklets: int = 1
    length: int = 4
    gone: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)
    name: str = "drawn people"
    times: bool = True
    said: tuple[Verdicts, ...] = ()

    def verdicts(self) -> tuple[Verdicts, ...]:
        """What people said."""
        return self.said

    def sightings(self) -> list[Sighting]:
        """In each pair of people one walks beside the other, at each of their times."""
        found = []
        for person in range(self.people):
            for camera in range(self.cameras):
                for number in range(self.tracklets):
                    begins = 1000 * (person // 2 + self.people * number)
                    left = 100.0 * (person % 2)
                    times = np.arange(begins, begins + 500, 100, dtype=np.int64)
                    boxes = np.tile(np.array([left, 0, left + 40, 90], dtype=np.float32), (len(times), 1))
                    if not self.times:
                        times, boxes = times[:0], boxes[:0]
                    found.append(
                        Sighting(
                            f"{person}-{camera}-{number}",
                            f"camera {camera}",
                            f"camera-{camera}.mp4",
                            1.7e9 + begins / 1000,
                            1.7e9 + begins / 1000 + 0.5,
                            times,
                            boxes,
                        )
                    )
        return found

    def crops(self, ids: Sequence[str]) -> Iterator[Crops]:
        """Crops in the order in which they are asked for."""
        for name in ids:
            self.asked.append(name)
            if name in self.gone:
                yield Crops(name, missing="its recording is gone")
            else:
                person, camera, number = map(int, name.split("-"))
                yield Crops(name, [draw(person, camera, number, n) for n in range(self.length)])


def draw(person: int, camera: int, number: int, crop: int) -> Crop:
    """A crop of a person."""
    colours = np.random.default_rng([7, person]).uniform(30, 220, (2, 3))
    noise = np.random.default_rng([person, camera, number, crop])
    tint = np.random.default_rng([8, camera]).uniform(0.7, 1.2, 3)
    x = np.repeat(colours, 40, axis=0)[:, None].repeat(30, axis=1) * tint  # (80, 30, 3)
    x = x + noise.normal(0, 8, x.shape)
    return x.clip(0, 255).astype(np.uint8)
