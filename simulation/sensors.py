"""Cameras as they hang in the world: lens, height and the way their electronics see colour.

`draw_sensor` and `draw_camera` make cameras of one make that were set up with care, `draw_unlike_sensor` and
`draw_unlike_camera` those of a city: old and new, cheap and dear, at every height, none matched to another.
"""

from dataclasses import replace

import numpy as np

from simulation.backdrop import Backdrop
from simulation.camera import Camera
from simulation.scene import Sensor

MID_GREY = 0.25  # what the frame's mean is brought to
LEVELS = (1.3, 2.2), (2.2, 3.2), (3.2, 4.6), (4.6, 7.0)  # metres: by a door, in a room, on a house, a mast
WHITE, BRIGHTEST = 0.8, 1.2  # albedo of a white shirt in full light, and what it is brought to at most


def draw_sensor(rng: np.random.Generator, *, night: bool) -> Sensor:
    """The response of one camera; `exposure` is set when it has metered its frame."""
    white = np.exp(rng.normal(0, 0.045, 3))
    mixing = np.eye(3) + rng.normal(0, 0.025, (3, 3))
    crosstalk = mixing / mixing.sum(1, keepdims=True) * (white / white.mean())[:, None]
    return Sensor(
        crosstalk=crosstalk.astype(np.float32),
        exposure=float(2.0 ** rng.normal(0.0, 0.2)),
        blur=float(rng.choice([0, rng.uniform(0.4, 0.7), rng.uniform(0.7, 1.3)], p=[0.3, 0.45, 0.25])),
        sharpen=float(rng.choice([0, 0.5, 1.0])),
        vignette=float(rng.uniform(0, 0.3)),
        noise_level=float(rng.uniform(0.004, 0.02) * (2.2 if night else 1.0)),
        gamma=float(rng.uniform(1.95, 2.45)),
        saturation=float(rng.uniform(0.6, 1.08) * (0.8 if night else 1.0)),
        contrast=float(rng.uniform(0.92, 1.25)),
        lift=float(rng.uniform(0, 0.04)),
    )


def metered(sensor: Sensor, backdrop: Backdrop) -> Sensor:
    """The sensor with its exposure set from the whole frame and the light, as automatic exposure does."""
    full_light = float((backdrop.light.sun + backdrop.light.sky).mean())
    gain = min(MID_GREY / backdrop.luminance, BRIGHTEST / (WHITE * full_light))
    gain = float(np.clip(gain, 0.3, 8.0))
    return replace(sensor, exposure=sensor.exposure * gain)


def draw_camera(rng: np.random.Generator, *, width: int = 1280, height: int = 720) -> Camera:
    """A surveillance camera beside or over the strip where people walk."""
    level = rng.choice([rng.uniform(2.2, 2.8), rng.uniform(2.6, 3.4), rng.uniform(3.4, 5.0)])
    reach = rng.uniform(6.5, 12.5)
    azimuth = rng.uniform(0, 2 * np.pi) if rng.random() < 0.3 else rng.choice([0, np.pi]) + rng.normal(0, 0.5)
    position = np.array([np.cos(azimuth) * reach, np.clip(np.sin(azimuth) * reach, -3.4, 3.4), level])
    target = np.array([rng.normal(0, 0.8), rng.normal(0, 0.5), rng.uniform(0.7, 1.1)])
    return Camera.looking_at(
        position,
        target,
        field=np.deg2rad(rng.uniform(32, 56)),
        width=width,
        height=height,
        roll=float(rng.normal(0, 0.012)),
    )


def draw_unlike_sensor(rng: np.random.Generator, *, night: bool) -> Sensor:
    """The response of a camera that agrees with no other: colour cast, tone curve, saturation, exposure."""
    white = np.exp(rng.normal(0, 0.075, 3))
    mixing = np.eye(3) + rng.normal(0, 0.035, (3, 3))
    crosstalk = mixing / mixing.sum(1, keepdims=True) * (white / white.mean())[:, None]
    return Sensor(
        crosstalk=crosstalk.astype(np.float32),
        exposure=float(2.0 ** rng.normal(0.1, 0.3)),
        blur=float(rng.choice([0, rng.uniform(0.4, 0.8), rng.uniform(0.8, 1.2)], p=[0.5, 0.38, 0.12])),
        sharpen=float(rng.choice([0, 0.5, 1.2])),
        vignette=float(rng.uniform(0, 0.4)),
        noise_level=float(rng.choice([0.003, rng.uniform(0.004, 0.03)]) * (2.2 if night else 1.0)),
        gamma=float(rng.uniform(1.9, 2.7)),
        saturation=float(rng.choice([rng.uniform(0.3, 0.7), rng.uniform(0.7, 1.45)], p=[0.3, 0.7])),
        contrast=float(rng.uniform(0.9, 1.25)),
        lift=float(rng.choice([rng.uniform(-0.045, 0.0), rng.uniform(0.0, 0.09)], p=[0.6, 0.4])),
        curve=float(rng.uniform(0.0, 0.6)),
    )


def draw_unlike_camera(
    rng: np.random.Generator, *, room: float, width: int = 1280, height: int = 720
) -> Camera:
    """A camera anywhere from chest height to a lamp post's top, at most `room` metres beside the middle."""
    lowest, highest = LEVELS[rng.choice(len(LEVELS), p=[0.3, 0.3, 0.26, 0.14])]
    level = rng.uniform(lowest, highest)
    reach = rng.uniform(4.5, 9.0) + 0.7 * level
    azimuth = rng.uniform(0, 2 * np.pi) if rng.random() < 0.4 else rng.choice([0, np.pi]) + rng.normal(0, 0.5)
    position = np.array([np.cos(azimuth) * reach, np.clip(np.sin(azimuth) * reach, -room, room), level])
    target = np.array([rng.normal(0, 1.0), rng.normal(0, 0.5), rng.uniform(0.5, 1.2)])
    return Camera.looking_at(
        position,
        target,
        field=np.deg2rad(rng.uniform(26, 62)),
        width=width,
        height=height,
        roll=float(rng.normal(0, 0.02)),
    )
