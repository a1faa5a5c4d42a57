"""What sets of tracklets are made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TrackletPreset:
    """What to make. `identities` are numbered from 1; the last `test_identities` form the test split."""

    seed: int
    identities: int
    test_identities: int
    cameras: int = 4  # a scene; every identity passes all of them
    people: int = 100  # a scene
    frames: tuple[int, int] = (8, 12)
    fps: float = 8.0
    width: int = 1280
    height: int = 720
    truth: bool = False


PRESETS = {
    "train-3000": TrackletPreset(seed=101, identities=3200, test_identities=200),
    "small": TrackletPreset(seed=102, identities=600, test_identities=100),
    "tiny": TrackletPreset(
        seed=103,
        identities=6,
        test_identities=2,
        cameras=2,
        people=3,
        frames=(4, 6),
        width=320,
        height=240,
        truth=True,
    ),
}
