"""The renderer: OpenGL 3.3 through EGL, on Mesa's software rasteriser or on a GPU with the same sources.

What stands still is drawn once a camera (`Backdrop`); each picture draws only the people, lets them shade
the backdrop, and is developed by the camera's sensor. People are drawn at twice the size and averaged. With
a picture comes, on request, its truth (person, body part, u, v), drawn without averaging.
"""

from collections.abc import Callable, Sequence
from dataclasses import fields

import moderngl
import numpy as np
from numpy.typing import NDArray

from simulation.body import Array
from simulation.camera import Camera, Window, clip_matrix, light_matrix, ray_matrix
from simulation.errors import NoRenderer
from simulation.figure import Figure, Scenery, bind_block, compile_program, set_uniforms
from simulation.scene import MOST_WALKERS, SUPERSAMPLE, Ground, Light, Picture, Sensor, Stance
from simulation.targets import Targets, use_textures

PEOPLE_SHADOW, CROP_SHADOW, SCENERY_SHADOW = 1024, 512, 2048
COARSE_BELOW = 220  # pixels of a person's height: above them the joined vertices of `coarse` would show
MOST_TARGETS = 48  # sizes of pictures whose buffers are kept
SCENERY_RADIUS = 26.0  # metres around the place's centre in which things cast shadows


def open_context() -> moderngl.Context:
    """A context of its own, made current. Raises NoRenderer."""
    try:
        return moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # moderngl raises bare ones
        raise NoRenderer(f"no OpenGL 3.3 context through EGL: {error}") from error


class Backdrop:
    """What one camera sees when nobody is there."""

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


class Renderer:
    """Draws backdrops and pictures."""

    def __init__(self) -> None:
        self.context = open_context()
        c = self.context
        c.front_face = "cw"  # clip_matrix turns the picture upside down, and triangles with it
        lit = ("noise", "light")
        self.geometry = compile_program(c, "person.vert", "geometry.frag")
        self.photographed = compile_program(c, "person.vert", "geometry.frag", defines=("PHOTOGRAPHED",))
        self.person = compile_program(c, "full.vert", "person.frag", (*lit, "chart", "fabric"))
        self.truth = compile_program(c, "full.vert", "truth.frag", ("chart",))
        self.person_shadow = compile_program(c, "person.vert", "shadow.frag")
        self.place = compile_program(c, "place.vert", "place.frag", lit)
        self.place_shadow = compile_program(c, "place.vert", "nothing.frag")
        self.ground = compile_program(c, "full.vert", "ground.frag", lit)
        self.average = compile_program(c, "full.vert", "average.frag")
        self.combine = compile_program(c, "full.vert", "combine.frag", ("noise",))
        self.develop = compile_program(c, "full.vert", "sensor.frag", ("noise",))
        for program in (self.geometry, self.photographed, self.person_shadow):
            bind_block(program, "Bones", 0)
        bind_block(self.person, "Materials", 1)
        bind_block(self.place, "Surfaces", 2)
        corners = c.buffer(np.array([-1, -1, 3, -1, -1, 3], "<f4").tobytes())
        self._full = {
            p: c.vertex_array(p, [(corners, "2f", "corner")])
            for p in (self.ground, self.person, self.truth, self.average, self.combine, self.develop)
        }
        self._bones = c.buffer(reserve=104 * 3 * 16)
        maps = [self._depth_map(size) for size in (PEOPLE_SHADOW, CROP_SHADOW)]
        self._shadows = [(texture, c.framebuffer(depth_attachment=texture)) for texture in maps]
        self._shadow, self._shadow_target = self._shadows[0]
        self._targets: dict[tuple[int, int], Targets] = {}

    @property
    def name(self) -> str:
        """What draws."""
        return str(self.context.info["GL_RENDERER"])

    def take_over(self) -> None:
        """Let what follows go to this renderer: OpenGL draws with the context made or entered last."""
        self.context.mglo.__enter__()

    def backdrop(self, camera: Camera, light: Light, ground: Ground, scenery: Scenery) -> Backdrop:
        """Draw what stands still."""
        c, w, h = self.context, camera.width, camera.height
        window = Window.whole(camera)
        clip = clip_matrix(camera, window)
        shadow, matrix = (
            self._depth_map(SCENERY_SHADOW),
            light_matrix(light.direction, np.zeros(3), SCENERY_RADIUS),
        )
        target = c.framebuffer(depth_attachment=shadow)
        c.enable(moderngl.DEPTH_TEST)
        target.use()
        target.clear()
        set_uniforms(self.place_shadow, view_projection=matrix)
        scenery.shadow.render()
        target.release()
        big = (w * SUPERSAMPLE, h * SUPERSAMPLE)
        depth = c.depth_texture(big)
        depth.compare_func = ""
        depth.filter = (moderngl.NEAREST, moderngl.NEAREST)
        layers = [c.texture(big, 4, dtype="f2") for _ in range(2)]
        large = c.framebuffer(layers, depth)
        large.use()
        large.clear()
        shadow.use(0)
        pixel_angle = 1 / SUPERSAMPLE / camera.focal
        for program in (self.place, self.ground):
            set_uniforms(
                program,
                **vars_of(light),
                eye=camera.position,
                scenery_shadow_matrix=matrix,
                scenery_shadow=0,
                view_projection=clip,
                pixel_angle=pixel_angle,
            )
        scenery.surfaces.bind_to_uniform_block(2)
        scenery.lit.render()
        set_uniforms(
            self.ground,
            ray_matrix=ray_matrix(camera, window),
            paving=ground.paving,
            paving_a=ground.a,
            paving_b=ground.b,
            paving_scale=ground.scale,
            seed=ground.seed,
            indoor=float(ground.indoor),
        )
        self._full[self.ground].render()
        c.disable(moderngl.DEPTH_TEST)
        kept = [c.texture((w, h), 4, dtype="f2") for _ in range(2)]
        small = c.framebuffer(kept)
        small.use()
        layers[0].use(0)
        layers[1].use(1)
        set_uniforms(self.average, first=0, second=1, factor=SUPERSAMPLE)
        self._full[self.average].render()
        total = sum(
            np.frombuffer(small.read(components=3, attachment=k, dtype="f2"), np.float16).astype(np.float32)
            for k in (0, 1)
        )
        luminance = float(np.exp(np.log(np.asarray(total).reshape(-1, 3).mean(1) + 1e-3).mean()))
        large.release()
        small.release()
        for layer in layers:
            layer.release()
        return Backdrop(
            camera,
            light,
            shaded=kept[0],
            direct=kept[1],
            depth=depth,
            shadow=shadow,
            matrix=matrix,
            luminance=luminance,
        )

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
        camera, light = backdrop.camera, backdrop.light
        targets = self._frame_targets(window)
        part = 4 * window.width * window.height < camera.width * camera.height
        self._shadow, self._shadow_target = self._shadows[part]
        clip = clip_matrix(camera, window)
        shadow_matrix = light_matrix(light.direction, np.array([*focus, 0.9]), reach)
        self._draw_geometry(targets, backdrop, window, people, clip=clip, shadow_matrix=shadow_matrix)
        high, wide = window.height * SUPERSAMPLE, window.width * SUPERSAMPLE
        owners = targets.samples.read(components=1, attachment=2, alignment=1)
        people_seen = np.frombuffer(owners, np.uint8).reshape(high, wide)
        if not wanted(people_seen):
            return None
        common = {
            "size": (window.width, window.height),
            "factor": SUPERSAMPLE,
            "to_world": np.linalg.inv(clip),
            "people_shadow_matrix": shadow_matrix,
        }
        shading = {**common, "most": shaded, "arm_joints": arm_joints}
        self._shade(targets, backdrop, window, people, common=shading)
        self._combine(targets, backdrop, window, people, common=common)
        pixels = self._develop(targets, window, camera, sensor, shot)
        return Picture(pixels, people_seen, self._read_truth(targets, window, arm_joints) if truth else None)

    def _draw_geometry(
        self,
        targets: Targets,
        backdrop: Backdrop,
        window: Window,
        people: Sequence[tuple[Figure, Stance]],
        *,
        clip: NDArray[np.float64],
        shadow_matrix: NDArray[np.float64],
    ) -> None:
        eye = backdrop.camera.position
        self.context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
        self._shadow_target.use()
        self._shadow_target.clear()
        for figure, stance in people:
            self._pose(self.person_shadow, stance, shadow_matrix, eye, 0.0)
            figure.shadow.render()
        targets.samples.use()
        targets.samples.clear(0.0, 0.0, 0.0, 0.0)
        backdrop.depth.use(0)
        for program in (self.geometry, self.photographed):
            corner = (window.x0 * SUPERSAMPLE, window.y0 * SUPERSAMPLE)
            set_uniforms(program, backdrop_depth=0, photograph=1, garments=2, corner=corner)
        for number, (figure, stance) in enumerate(people, 1):
            if not overlaps(stance, window):
                continue
            program = self.geometry
            if figure.photograph is not None:
                program = self.photographed
                figure.photograph.use(1)
                figure.garments.use(2)
                targets.photographed.use()
                self.context.disable(moderngl.CULL_FACE)
            self._pose(program, stance, clip, eye, 1.0)
            set_uniforms(program, person=number)
            near = stance.bounds[3] - stance.bounds[1] > COARSE_BELOW
            (figure.lit if near else figure.coarse).render()
            if figure.photograph is not None:
                targets.samples.use()
                self.context.enable(moderngl.CULL_FACE)
        self.context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)

    def _shade(
        self,
        targets: Targets,
        backdrop: Backdrop,
        window: Window,
        people: Sequence[tuple[Figure, Stance]],
        *,
        common: dict[str, object],
    ) -> None:
        targets.people.use()
        targets.people.clear(0.0, 0.0, 0.0, 0.0)
        use_textures(targets.surface, targets.normal, targets.depth, backdrop.shadow, self._shadow)
        targets.photo.use(6)
        set_uniforms(
            self.person,
            **vars_of(backdrop.light),
            **common,
            surface_map=0,
            normal_map=1,
            depth_map=2,
            scenery_shadow=3,
            people_shadow=4,
            prints=5,
            photo_map=6,
            eye=backdrop.camera.position,
            scenery_shadow_matrix=backdrop.shadow_matrix,
            pixel_angle=1 / backdrop.camera.focal,
        )
        self.context.enable(moderngl.BLEND)
        self.context.blend_func = moderngl.ONE, moderngl.ONE
        for number, (figure, stance) in enumerate(people, 1):
            left, top, right, bottom = stance.bounds
            x0, y0 = max(left - window.x0, 0), max(top - window.y0, 0)
            x1, y1 = min(right - window.x0, window.width), min(bottom - window.y0, window.height)
            if x1 <= x0 or y1 <= y0:
                continue
            targets.people.scissor = (x0, y0, x1 - x0, y1 - y0)
            set_uniforms(self.person, person=number, photographed=float(figure.photograph is not None))
            figure.materials.bind_to_uniform_block(1)
            figure.prints.use(5)
            self._full[self.person].render()
        targets.people.scissor = (0, 0, window.width, window.height)
        self.context.disable(moderngl.BLEND)

    def _combine(
        self,
        targets: Targets,
        backdrop: Backdrop,
        window: Window,
        people: Sequence[tuple[Figure, Stance]],
        *,
        common: dict[str, object],
    ) -> None:
        feet = np.zeros((MOST_WALKERS, 2), np.float32)
        for row, (_, stance) in zip(feet, people, strict=False):
            row[:] = stance.x, stance.y
        targets.linear.use()
        use_textures(
            backdrop.shaded,
            backdrop.direct,
            backdrop.depth,
            targets.people_map,
            self._shadow,
        )
        set_uniforms(
            self.combine,
            **common,
            shaded=0,
            direct=1,
            depth=2,
            people=3,
            people_shadow=4,
            corner=(window.x0, window.y0),
            haze_colour=backdrop.light.haze_colour,
            walkers=min(len(people), MOST_WALKERS),
            feet=feet,
        )
        self._full[self.combine].render()

    def _develop(
        self, targets: Targets, window: Window, camera: Camera, sensor: Sensor, shot: int
    ) -> NDArray[np.uint8]:
        targets.final.use()
        targets.linear_map.use(0)
        values = {k: v for k, v in vars_of(sensor).items() if k != "exposure"} | {
            "crosstalk": sensor.crosstalk * sensor.exposure
        }
        kernel = np.exp(-(np.arange(3.0) ** 2) / (2 * max(sensor.blur, 0.8) ** 2))
        set_uniforms(
            self.develop,
            **values,
            kernel=kernel / (kernel[0] + 2 * kernel[1:].sum()),
            picture=0,
            corner=(window.x0, window.y0),
            frame=(camera.width, camera.height),
            shot=shot,
            size=(window.width, window.height),
        )
        self._full[self.develop].render()
        return np.frombuffer(targets.final.read(components=3, alignment=1), np.uint8).reshape(
            window.height, window.width, 3
        )

    def _read_truth(self, targets: Targets, window: Window, arm_joints: Array) -> NDArray[np.uint8]:
        targets.truth.use()
        use_textures(targets.surface, targets.normal)
        set_uniforms(self.truth, surface_map=0, normal_map=1, arm_joints=arm_joints)
        self._full[self.truth].render()
        raw = np.frombuffer(targets.truth.read(components=4, alignment=1), np.uint8)
        return raw.reshape(window.height * SUPERSAMPLE, window.width * SUPERSAMPLE, 4)

    def _pose(
        self,
        program: moderngl.Program,
        stance: Stance,
        clip: NDArray[np.float64],
        eye: NDArray[np.float64],
        layering: float,
    ) -> None:
        self._bones.write(stance.transforms.astype("<f4").tobytes())
        self._bones.bind_to_uniform_block(0)
        turn = stance.heading + np.pi / 2  # the body faces -y
        set_uniforms(
            program,
            view_projection=clip,
            place=(stance.x, stance.y, float(np.cos(turn)), float(np.sin(turn))),
            lift=stance.lift,
            camera=eye,
            layering=layering,
        )

    def _depth_map(self, size: int) -> moderngl.Texture:
        texture = self.context.depth_texture((size, size))
        texture.compare_func = "<="
        texture.repeat_x = texture.repeat_y = False
        return texture

    def _frame_targets(self, window: Window) -> Targets:
        key = (window.width, window.height)
        targets = self._targets.pop(key, None) or Targets.of(self.context, *key)
        self._targets[key] = targets  # the latest last
        if len(self._targets) > MOST_TARGETS:
            self._targets.pop(next(iter(self._targets))).release()
        return targets


def overlaps(stance: Stance, window: Window) -> bool:
    """Whether a person itself, not only its shadow, may be in a window."""
    left, top, right, bottom = stance.bounds
    return (
        left < window.x0 + window.width
        and right > window.x0
        and top < window.y0 + window.height
        and bottom > window.y0
    )


def vars_of(record: Light | Sensor) -> dict[str, object]:
    """A record's fields under the names the shaders use."""
    renamed = {
        "direction": "sun_direction",
        "sun": "sun_colour",
        "sky": "sky_colour",
        "bounce": "ground_light",
    }
    return {renamed.get(f.name, f.name): getattr(record, f.name) for f in fields(record)}
