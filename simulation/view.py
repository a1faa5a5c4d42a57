"""Objects between a camera and the strip where people walk: rays against a place's boxes and balls.

Nothing here is a matrix product of a library: which cameras are taken must not depend on the machine.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulation.camera import Camera

Reals = NDArray[np.float64]

LEAST_STRETCH = 6.0  # metres of the strip on which people are seen well
LEAST_TALL = 90 / 720  # height of a person there, in heights of the picture
LEAST_OPEN = 0.85  # share of the points on people in the picture that nothing hides
NEAREST = 2.5  # metres: what is nearer fills the picture
MOST_NEAR = 0.04  # share of the picture that may be filled so
STATURE = 1.7  # metres
ALONG, ACROSS, UP = np.arange(-7.0, 7.01, 0.5), (-1.0, 0.0, 1.0), (0.08, 0.5, 0.95)


@dataclass(frozen=True)
class Solids:
    """Boxes (B, 7): centre, size, turn about the vertical; balls (K, 4): centre, radius. Metres, radians."""

    boxes: Reals
    balls: Reals

    def hit(self, origin: Reals, rays: Reals) -> Reals:
        """How far along each ray (N, 3) from `origin` (3,) something is, in lengths of the ray, or inf.

        It is 0 for all rays when the origin lies inside something.
        """
        nearest = np.full(len(rays), np.inf)
        for box in self.boxes:
            nearest = np.minimum(nearest, hit_box(origin, rays, box))
        for ball in self.balls:
            nearest = np.minimum(nearest, hit_ball(origin, rays, ball))
        return nearest


def hit_box(origin: Reals, rays: Reals, box: Reals) -> Reals:
    """Distance to a turned box (7,), by slabs (Kay and Kajiya, 1986)."""
    c, s = np.cos(box[6]), np.sin(box[6])
    start = origin - box[:3]
    start = np.array([c * start[0] + s * start[1], c * start[1] - s * start[0], start[2]])
    along = np.stack([c * rays[:, 0] + s * rays[:, 1], c * rays[:, 1] - s * rays[:, 0], rays[:, 2]], 1)
    along = np.where(np.abs(along) < 1e-9, 1e-9, along)
    sides = np.stack([(-box[3:6] / 2 - start) / along, (box[3:6] / 2 - start) / along])
    enters, leaves = sides.min(0).max(1), sides.max(0).min(1)
    return np.where((enters <= leaves) & (leaves >= 0), np.maximum(enters, 0.0), np.inf)


def hit_ball(origin: Reals, rays: Reals, ball: Reals) -> Reals:
    """Distance to a ball (4,)."""
    start = origin - ball[:3]
    a, b = (rays**2).sum(1), (rays * start).sum(1)
    root = b**2 - a * ((start**2).sum() - ball[3] ** 2)
    far = (-b + np.sqrt(np.maximum(root, 0.0))) / a
    near = (-b - np.sqrt(np.maximum(root, 0.0))) / a
    return np.where((root >= 0) & (far >= 0), np.maximum(near, 0.0), np.inf)


def view_quality(camera: Camera, solids: Solids, walk_width: float) -> float:
    """Return how well a camera sees people on the strip: 1 or more is good, less is worse.

    The least of three, each over what is asked: metres of the strip on which a person is whole in the
    picture, unhidden and tall enough; the unhidden share of people; the share of the picture that no near
    thing fills.
    """
    room = walk_width / 2 - 0.4
    x, y, z = np.meshgrid(ALONG, np.array(ACROSS) * room, np.array(UP) * STATURE, indexing="ij")
    points = np.stack([x, y, z], -1)
    pixels = camera.project(points)
    inside = (pixels[..., 2] > 1.0) & (pixels[..., :2] >= 0).all(-1)
    inside &= (pixels[..., 0] < camera.width) & (pixels[..., 1] < camera.height)
    rays = (points - camera.position).reshape(-1, 3)
    free = solids.hit(camera.position, rays).reshape(inside.shape) >= 1.0
    # Body points span UP[-1] - UP[0] of the stature.
    tall = np.abs(pixels[..., 0, 1] - pixels[..., -1, 1]) / (UP[-1] - UP[0]) >= LEAST_TALL * camera.height
    well = (inside & free).all(-1) & tall
    step = ALONG[1] - ALONG[0]
    stretch = float(well.mean(1).sum() * step)
    share = float(free[inside].mean()) if inside.any() else 0.0
    filled = float((solids.hit(camera.position, picture_rays(camera)) < NEAREST).mean())
    return min(stretch / LEAST_STRETCH, share / LEAST_OPEN, (1.0 - filled) / (1.0 - MOST_NEAR))


def picture_rays(camera: Camera, columns: int = 16, rows: int = 9) -> Reals:
    """Unit rays through a grid over the picture (columns x rows, 3)."""
    u = ((np.arange(columns) + 0.5) / columns - 0.5) * camera.width / camera.focal
    v = ((np.arange(rows) + 0.5) / rows - 0.5) * camera.height / camera.focal
    across, down = np.meshgrid(u, v)
    right, below, forward = camera.rotation
    rays = across[..., None] * right + down[..., None] * below + forward
    rays = rays.reshape(-1, 3)
    return np.asarray(rays / np.sqrt((rays**2).sum(1, keepdims=True)))
