"""The renderer: OpenGL 3.3 through EGL, on Mesa's software rasteriser or on a GPU with the same sources.

What stands still is drawn once a camera (`Backdrop`); each picture draws only the people, lets them shade
the backdrop, and is developed by the camera's sensor. People are drawn at twice the size and averaged. With
a picture comes, on request, its truth (person, body part, u, v), drawn without averaging.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from simulation.backdrop import Backdrop, draw_backdrop
from simulation.body import Array
from simulation.camera import Camera, Window, clip_matrix, light_matrix
from simulation.figure import Figure, Scenery
from simulation.passes import Shot, combine, develop, draw_geometry, read_truth, shade
from simulation.programs import Programs, open_context
from simulation.scene import Ground, Light, Picture, Sensor, Stance
from simulation.targets import ShadowMap, Targets

PEOPLE_SHADOW, CROP_SHADOW = 1024, 512
MOST_TARGETS = 48  # sizes of pictures whose buffers are kept


class Renderer:
    """Draws backdrops and pictures."""

    def __init__(self) -> None:
        self.context = open_context()
        self.context.front_face = "cw"  # clip_matrix turns the picture upside down, and triangles with it
        self.programs = Programs(self.context)
        self._shadows = [ShadowMap.of(self.context, size) for size in (PEOPLE_SHADOW, CROP_SHADOW)]
        self._targets: dict[tuple[int, int], Targets] = {}

    @property
    def name(self) -> str:
        """Name of the OpenGL renderer."""
        return str(self.context.info["GL_RENDERER"])

    def take_over(self) -> None:
        """Let what follows go to this renderer: OpenGL draws with the context made or entered last."""
        self.context.mglo.__enter__()

    def backdrop(self, camera: Camera, light: Light, ground: Ground, scenery: Scenery) -> Backdrop:
        """Draw what stands still."""
        return draw_backdrop(self.programs, camera, light, ground, scenery)

    def draw(
        self,
        backdrop: Backdrop,
        window: Window,
        people: Sequence[tuple[Figure, Stance]],
        sensor: Sensor,
        *,
        shot: int,
        focus: tuple[float, float],
        reach: float,
        arm_joints: Array,
        truth: bool = False,
        shaded: int = 2,
        wanted: Callable[[NDArray[np.uint8]], bool],
    ) -> Picture | None:
        """Draw a window of a camera's picture.

        `shot` numbers the picture (its noise), `focus` and `reach` say around which point of the ground and
        how far in metres people cast shadows, `shaded` how many samples of a pixel get a colour of their own:
        1 is quicker, 2 smoother where patterns are fine. `wanted` is asked when it is known who is seen where
        (2H, 2W), as in `Picture.people`; None if it is not: colours, the dearer half, are not computed then.
        """
        camera = backdrop.camera
        part = 4 * window.width * window.height < camera.width * camera.height
        picture = Shot(
            self._frame_targets(window),
            backdrop,
            window,
            people,
            shadow=self._shadows[part],
            clip=clip_matrix(camera, window),
            shadow_matrix=light_matrix(backdrop.light.direction, np.array([*focus, 0.9]), reach),
        )
        seen = draw_geometry(self.programs, picture)
        if not wanted(seen):
            return None
        shade(self.programs, picture, most=shaded, arm_joints=arm_joints)
        combine(self.programs, picture)
        pixels = develop(self.programs, picture, sensor, shot)
        return Picture(pixels, seen, read_truth(self.programs, picture, arm_joints) if truth else None)

    def _frame_targets(self, window: Window) -> Targets:
        key = (window.width, window.height)
        targets = self._targets.pop(key, None) or Targets.of(self.context, *key)
        self._targets[key] = targets  # the latest last
        if len(self._targets) > MOST_TARGETS:
            self._targets.pop(next(iter(self._targets))).release()
        return targets
