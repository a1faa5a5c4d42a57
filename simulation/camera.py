"""A pinhole camera: where it is, what it sees."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
NEAR, FAR = 0.25, 250.0


@dataclass(frozen=True)
class Camera:
    """Position (3,) in metres, rotation rows right, down, forward (3, 3), focal length and size in pixels."""

    position: Matrix
    rotation: Matrix
    focal: float
    width: int
    height: int

    @classmethod
    def looking_at(
        cls, position: Matrix, target: Matrix, *, field: float, width: int, height: int, roll: float = 0.0
    ) -> "Camera":
        """A camera at `position` that looks at `target`; `field` is the vertical field of view in radians."""
        forward = (target - position) / np.linalg.norm(target - position)
        right = np.cross(forward, [0.0, 0.0, 1.0])
        right /= np.linalg.norm(right)
        down = np.cross(forward, right)
        c, s = np.cos(roll), np.sin(roll)
        rotation = np.stack([c * right + s * down, c * down - s * right, forward])
        return cls(np.asarray(position, float), rotation, height / 2 / np.tan(field / 2), width, height)

    def scaled(self, factor: float) -> "Camera":
        """The same view in `factor` times as many columns and rows."""
        width, height = (max(64, 2 * round(side * factor / 2)) for side in (self.width, self.height))
        return replace(self, focal=self.focal * factor, width=width, height=height)

    def project(self, points: NDArray[np.floating]) -> Matrix:
        """Pixels and depth (..., 3) of world points (..., 3); the centre of the first pixel is (0.5, 0.5)."""
        # Written out instead of a matrix product: the same bits on every machine.
        d = np.asarray(points, np.float64) - self.position
        axes = [d[..., 0] * row[0] + d[..., 1] * row[1] + d[..., 2] * row[2] for row in self.rotation]
        depth = axes[2]
        return np.stack(
            [
                self.focal * axes[0] / depth + self.width / 2,
                self.focal * axes[1] / depth + self.height / 2,
                depth,
            ],
            -1,
        )


@dataclass(frozen=True)
class Window:
    """A part of a camera's picture, in whole pixels."""

    x0: int
    y0: int
    width: int
    height: int

    @classmethod
    def whole(cls, camera: Camera) -> "Window":
        """All of it."""
        return cls(0, 0, camera.width, camera.height)


def clip_matrix(camera: Camera, window: Window) -> Matrix:
    """World to OpenGL clip space (4, 4) for a window of a camera's picture; the first row read is the top."""
    sx, sy = 2 / window.width, 2 / window.height
    cx, cy = camera.width / 2 - window.x0, camera.height / 2 - window.y0
    a, b = (FAR + NEAR) / (FAR - NEAR), -2 * FAR * NEAR / (FAR - NEAR)
    # Camera axes are right, down, forward; clip y grows downwards here, so the picture is read top row first.
    intrinsic = np.array(
        [
            [sx * camera.focal, 0, sx * cx - 1, 0],
            [0, sy * camera.focal, sy * cy - 1, 0],
            [0, 0, a, b],
            [0, 0, 1, 0],
        ]
    )
    extrinsic = np.eye(4)
    extrinsic[:3, :3] = camera.rotation
    extrinsic[:3, 3] = -camera.rotation @ camera.position
    return np.asarray(intrinsic @ extrinsic)


def ray_matrix(camera: Camera, window: Window) -> Matrix:
    """Clip-space corner (x, y, 1) to a direction in the world, as a (4, 4) matrix."""
    half_w, half_h = window.width / 2, window.height / 2
    cx, cy = camera.width / 2 - window.x0, camera.height / 2 - window.y0
    to_camera = np.array(
        [
            [half_w / camera.focal, 0, (half_w - cx) / camera.focal],
            [0, half_h / camera.focal, (half_h - cy) / camera.focal],
            [0, 0, 1],
        ]
    )
    out = np.zeros((4, 4))
    out[:3, :3] = camera.rotation.T @ to_camera
    return out


def light_matrix(direction: NDArray[np.floating], centre: NDArray[np.floating], radius: float) -> Matrix:
    """World to the clip space of a parallel light from `direction` around `centre` (4, 4)."""
    d = np.asarray(direction, np.float64)
    a = np.cross(d, [0.3, 0.9, 0.1])
    a /= np.linalg.norm(a)
    b = np.cross(d, a)
    rows = np.stack([a / radius, b / radius, -d / (radius + 12.0)])
    out = np.eye(4)
    out[:3, :3] = rows
    out[:3, 3] = -rows @ np.asarray(centre, np.float64)
    return out
