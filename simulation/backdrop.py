"""The still background of a camera, drawn once."""

import moderngl
import numpy as np
from numpy.typing import NDArray

from simulation.camera import Camera, Window, clip_matrix, light_matrix, ray_matrix
from simulation.figure import Scenery
from simulation.programs import Programs, set_uniforms, vars_of
from simulation.scene import SUPERSAMPLE, Ground, Light
from simulation.targets import ShadowMap, use_textures

SCENERY_SHADOW = 2048
SCENERY_RADIUS = 26.0  # metres around the place's centre in which things cast shadows


class Backdrop:
    """The empty view of one camera."""

    def __init__(
        self,
        camera: Camera,
        light: Light,
        *,
        shaded: moderngl.Texture,
        direct: moderngl.Texture,
        depth: moderngl.Texture,
        shadow: moderngl.Texture,
        matrix: NDArray[np.float64],
        luminance: float,
    ) -> None:
        self.camera, self.light = camera, light
        self.shaded, self.direct, self.depth, self.shadow = shaded, direct, depth, shadow
        self.shadow_matrix = matrix
        self.luminance = luminance  # geometric mean over the frame: what the exposure is metered on

    def release(self) -> None:
        """Free the GPU memory."""
        for texture in (self.shaded, self.direct, self.depth, self.shadow):
            texture.release()


def draw_backdrop(
    programs: Programs, camera: Camera, light: Light, ground: Ground, scenery: Scenery
) -> Backdrop:
    """Draw what stands still."""
    c, shadow_matrix = programs.context, light_matrix(light.direction, np.zeros(3), SCENERY_RADIUS)
    c.enable(moderngl.DEPTH_TEST)
    shadow = draw_shadow(programs, scenery, shadow_matrix)
    big = (camera.width * SUPERSAMPLE, camera.height * SUPERSAMPLE)
    depth = c.depth_texture(big)
    depth.compare_func = ""
    depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
    layers = [c.texture(big, 4, dtype="f2") for _ in range(2)]
    large = c.framebuffer(layers, depth)
    large.use()
    large.clear()
    shadow.use(0)
    shared = {**vars_of(light), "scenery_shadow_matrix": shadow_matrix, "scenery_shadow": 0}
    draw_place(programs, camera, ground, scenery, shared)
    c.disable(moderngl.DEPTH_TEST)
    large.release()
    kept, luminance = averaged(programs, camera, layers)
    for layer in layers:
        layer.release()
    return Backdrop(
        camera,
        light,
        shaded=kept[0],
        direct=kept[1],
        depth=depth,
        shadow=shadow,
        matrix=shadow_matrix,
        luminance=luminance,
    )


def draw_shadow(programs: Programs, scenery: Scenery, shadow_matrix: NDArray[np.float64]) -> moderngl.Texture:
    """The depth map of the light."""
    shadow = ShadowMap.of(programs.context, SCENERY_SHADOW)
    shadow.target.use()
    shadow.target.clear()
    set_uniforms(programs.place_shadow, view_projection=shadow_matrix)
    scenery.shadow.render()
    shadow.target.release()
    return shadow.texture


def draw_place(
    programs: Programs, camera: Camera, ground: Ground, scenery: Scenery, shared: dict[str, object]
) -> None:
    """Draw things, ground and sky into what is in use."""
    window = Window.whole(camera)
    for program in (programs.place, programs.ground):
        set_uniforms(
            program,
            **shared,
            eye=camera.position,
            view_projection=clip_matrix(camera, window),
            pixel_angle=1 / SUPERSAMPLE / camera.focal,
        )
    scenery.surfaces.bind_to_uniform_block(2)
    scenery.lit.render()
    set_uniforms(
        programs.ground,
        ray_matrix=ray_matrix(camera, window),
        paving=ground.paving,
        paving_a=ground.a,
        paving_b=ground.b,
        paving_scale=ground.scale,
        seed=ground.seed,
        indoor=float(ground.indoor),
    )
    programs.fill(programs.ground)


def averaged(
    programs: Programs, camera: Camera, layers: list[moderngl.Texture]
) -> tuple[list[moderngl.Texture], float]:
    """Two supersampled layers at the camera's size, and the geometric mean of their summed luminance."""
    c, size = programs.context, (camera.width, camera.height)
    kept = [c.texture(size, 4, dtype="f2") for _ in layers]
    small = c.framebuffer(kept)
    small.use()
    use_textures(*layers)
    set_uniforms(programs.average, first=0, second=1, factor=SUPERSAMPLE)
    programs.fill(programs.average)
    total = sum(
        np.frombuffer(small.read(components=3, attachment=k, dtype="f2"), np.float16).astype(np.float32)
        for k in (0, 1)
    )
    small.release()
    return kept, float(np.exp(np.log(np.asarray(total).reshape(-1, 3).mean(1) + 1e-3).mean()))
