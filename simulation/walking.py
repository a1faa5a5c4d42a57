"""A person walking past a camera: along the strip, at the speed of its own gait, perhaps with pauses."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulation.body import Array, Body, load_body, pose, skin
from simulation.camera import NEAR, Camera
from simulation.gait import joint_rotations
from simulation.identity import Identity
from simulation.pieces import Piece
from simulation.scene import Stance

HALF_STRIP = 15.0  # metres from the place's centre to either end of the strip
TRUTH_POINTS = 480  # vertices of a person that its visibility is computed from
STEPS = 32  # poses of a gait cycle that are kept
CYCLE_PER_STATURE = 0.82  # length of a gait cycle of two steps over stature, at stride 1


@dataclass(frozen=True)
class Pass:
    """One person passing one camera; seconds since the world's start, side -1 or +1, offsets in metres."""

    person: int
    camera: int
    start: float
    side: int
    y_start: float
    y_end: float
    pause_at: float  # metres walked before a pause
    pause: float  # seconds
    phase: float  # of the gait at the start, 0..1
    pace: float  # relative to the person's own

    def end(self, identity: Identity) -> float:
        """Time at which it leaves the strip."""
        return self.start + self.length / self.speed(identity) + self.pause

    @property
    def length(self) -> float:
        """Metres of the whole way."""
        return float(np.hypot(2 * HALF_STRIP, self.y_end - self.y_start))

    def speed(self, identity: Identity) -> float:
        """Metres a second."""
        return cycle_length(identity) * identity.style.cadence * self.pace


def cycle_length(identity: Identity) -> float:
    """Metres of one gait cycle (two steps)."""
    return CYCLE_PER_STATURE * identity.shape.stature * (0.55 + 0.45 * identity.style.stride)


@dataclass(frozen=True)
class Moment:
    """Position of a walker at one time, and the phase of its gait; `walk` is 1 walking, 0 standing."""

    x: float
    y: float
    heading: float
    phase: float
    walk: float


def moment(walk: Pass, identity: Identity, time: float) -> Moment | None:
    """The walker at a time, None before it comes or after it has gone."""
    speed = walk.speed(identity)
    since = time - walk.start
    if since < 0 or time > walk.end(identity):
        return None
    until_pause = walk.pause_at / speed
    moving, standing = since, 0.0
    if since > until_pause:
        moving = until_pause + max(0.0, since - until_pause - walk.pause)
        standing = min(since - until_pause, walk.pause)
    distance = speed * moving
    share = distance / walk.length
    x = walk.side * HALF_STRIP * (1 - 2 * share)
    y = walk.y_start + (walk.y_end - walk.y_start) * share
    dx, dy = -walk.side * 2 * HALF_STRIP, walk.y_end - walk.y_start
    still = 0.0 < standing < walk.pause
    ease = min(standing, walk.pause - standing, 0.4) / 0.4 if still else 0.0
    return Moment(
        x, y, float(np.arctan2(dy, dx)), (walk.phase + distance / cycle_length(identity)) % 1.0, 1.0 - ease
    )


@dataclass(frozen=True)
class Standing:
    """A posed person, and its truth points on the picture: x, y in pixels, depth in metres (P, 3).

    The first `spread` of the points lie evenly over the surface.
    """

    stance: Stance
    points: NDArray[np.float64]
    spread: int


@dataclass(frozen=True)
class Puppet:
    """Data to pose an identity quickly: the points that carry visibility, box and feet."""

    identity: Identity
    points: Array  # (P, 3) at rest
    bones: NDArray[np.uint8]
    weights: Array
    spread: int  # the first so many points lie evenly over the surface
    soles: NDArray[np.intp]  # which of the points are soles

    @classmethod
    def of(cls, identity: Identity) -> "Puppet":
        """Choose the points: spread over the area of all pieces, outermost ones of each region, soles."""
        vertices, bones, weights, region = (
            np.concatenate([getattr(piece, name) for piece in identity.pieces])
            for name in ("vertices", "bones", "weights", "region")
        )
        kept = np.concatenate([piece.cut > 0 for piece in identity.pieces])
        spread = evenly(np.concatenate([shown_area(piece) for piece in identity.pieces]), TRUTH_POINTS)
        outermost = [
            members[end(vertices[members, axis])]
            for part in np.unique(region[kept])
            for members in [np.flatnonzero(kept & (region == part))]
            for axis in range(3)
            for end in (np.argmin, np.argmax)
        ]
        soles = np.flatnonzero(kept & (vertices[:, 2] < vertices[kept, 2].min() + 0.03))
        soles = soles[:: max(1, len(soles) // 80)]
        every = np.concatenate([spread, outermost, soles])
        return cls(
            identity,
            vertices[every],
            bones[every],
            weights[every],
            len(spread),
            np.arange(len(every) - len(soles), len(every)),
        )

    @cached_property
    def steps(self) -> tuple[NDArray[np.float32], Array]:
        """The gait cycle in STEPS poses, made once: transforms (T, J, 3, 4) and posed points (T, P, 3)."""
        body, heads = load_body(), self.identity.shape.heads
        phases = np.arange(STEPS) / STEPS
        rotations = joint_rotations(body, heads, self.identity.style, phases, np.ones(STEPS))
        transforms = pose(body, heads, rotations, STEPS)
        return transforms.astype(np.float32), skin(self.points, self.bones, self.weights, transforms)

    def walk(self, moments: Sequence[Moment], camera: Camera) -> list[Standing]:
        """How it walks through some moments, each in the nearest of the cycle's poses."""
        transforms, posed = self.steps
        nearest = [round(m.phase * STEPS) % STEPS for m in moments]
        return [
            self._at(m, transforms[k], posed[k].astype(np.float64), camera)
            for m, k in zip(moments, nearest, strict=True)
        ]

    def stand(self, body: Body, moments: Sequence[Moment], camera: Camera) -> list[Standing]:
        """How it stands at some moments; together they cost hardly more than one alone."""
        style, heads = self.identity.style, self.identity.shape.heads
        phases, walks = np.array([m.phase for m in moments]), np.array([m.walk for m in moments])
        transforms = pose(body, heads, joint_rotations(body, heads, style, phases, walks), len(moments))
        posed = skin(self.points, self.bones, self.weights, transforms).astype(np.float64)  # (T, P, 3)
        return [self._at(m, t, p, camera) for m, t, p in zip(moments, transforms, posed, strict=True)]

    def _at(
        self, at: Moment, transforms: NDArray[np.floating], posed: NDArray[np.float64], camera: Camera
    ) -> Standing:
        """Put a pose where the walker is: transforms (J, 3, 4), points (P, 3)."""
        lift = -float(posed[self.soles, 2].min())
        turn = at.heading + np.pi / 2
        c, s = np.cos(turn), np.sin(turn)
        world = np.stack(
            [
                c * posed[:, 0] - s * posed[:, 1] + at.x,
                s * posed[:, 0] + c * posed[:, 1] + at.y,
                posed[:, 2] + lift,
            ],
            1,
        )
        seen = camera.project(world)
        stance = Stance(transforms, at.x, at.y, at.heading, lift, bounds_of(seen, camera))
        return Standing(stance, seen, self.spread)


def shown_area(piece: Piece) -> NDArray[np.float64]:
    """A third of the area of the triangles at each vertex (N,), of those that the cut leaves whole."""
    whole = piece.faces[(piece.cut[piece.faces] > 0).all(1)]
    a, b, c = (piece.vertices[whole[:, k]].astype(np.float64) for k in range(3))
    area = np.sqrt((np.cross(b - a, c - a) ** 2).sum(1)) / 6
    areas = np.bincount(whole.ravel(), np.repeat(area, 3), minlength=len(piece.vertices))
    return np.asarray(areas, np.float64)


def evenly(weights: NDArray[np.float64], count: int) -> NDArray[np.intp]:
    """Indices (count,) in proportion to weights (N,), in order."""
    reach = np.cumsum(weights)
    return np.asarray(np.searchsorted(reach, (np.arange(count) + 0.5) / count * reach[-1]), np.intp)


def bounds_of(seen: NDArray[np.float64], camera: Camera) -> tuple[int, int, int, int]:
    """Pixels that surely hold a person, from its projected truth points; empty behind the camera."""
    if seen[:, 2].max() < NEAR:
        return 0, 0, 0, 0
    if seen[:, 2].min() < 2 * NEAR:
        return 0, 0, camera.width, camera.height
    low, high = seen[:, :2].min(0), seen[:, :2].max(0)
    margin = 4 + 0.06 * (high[1] - low[1])
    left, top = np.clip(low - margin, 0, (camera.width, camera.height))
    right, bottom = np.clip(high + margin, 0, (camera.width, camera.height))
    return int(left), int(top), int(np.ceil(right)), int(np.ceil(bottom))
