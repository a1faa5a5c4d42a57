"""The steps of a picture: geometry, colours of people, the backdrop under them, the camera's response."""

from collections.abc import Sequence
from dataclasses import dataclass

import moderngl
import numpy as np
from numpy.typing import NDArray

from simulation.backdrop import Backdrop
from simulation.body import Array
from simulation.camera import Window
from simulation.figure import Figure
from simulation.programs import Programs, set_uniforms, vars_of
from simulation.scene import MOST_WALKERS, SUPERSAMPLE, Sensor, Stance
from simulation.targets import ShadowMap, Targets, use_textures

COARSE_BELOW = 220  # pixels of a person's height: above them the joined vertices of `coarse` would show


@dataclass(frozen=True)
class Shot:
    """One picture being drawn: into what, before which backdrop, of whom, and with which matrices (4, 4)."""

    targets: Targets
    backdrop: Backdrop
    window: Window
    people: Sequence[tuple[Figure, Stance]]
    shadow: ShadowMap
    clip: NDArray[np.float64]
    shadow_matrix: NDArray[np.float64]

    @property
    def uniforms(self) -> dict[str, object]:
        """Uniforms that the passes over pixels share."""
        return {
            "size": (self.window.width, self.window.height),
            "factor": SUPERSAMPLE,
            "to_world": np.linalg.inv(self.clip),
            "people_shadow_matrix": self.shadow_matrix,
        }


def draw_geometry(programs: Programs, shot: Shot) -> NDArray[np.uint8]:
    """Draw where people are, and their shadows; returns who is seen at each sample (2H, 2W), from 1."""
    context, eye = programs.context, shot.backdrop.camera.position
    context.enable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
    shot.shadow.target.use()
    shot.shadow.target.clear()
    for figure, stance in shot.people:
        set_pose(programs, programs.person_shadow, stance, clip=shot.shadow_matrix, eye=eye, layering=0.0)
        figure.shadow.render()
    shot.targets.samples.use()
    shot.targets.samples.clear(0.0, 0.0, 0.0, 0.0)
    shot.backdrop.depth.use(0)
    corner = (shot.window.x0 * SUPERSAMPLE, shot.window.y0 * SUPERSAMPLE)
    for program in (programs.geometry, programs.photographed):
        set_uniforms(program, backdrop_depth=0, photograph=1, garments=2, corner=corner)
    for number, (figure, stance) in enumerate(shot.people, 1):
        if overlaps(stance, shot.window):
            draw_figure(programs, shot, figure, stance, number)
    context.disable(moderngl.DEPTH_TEST | moderngl.CULL_FACE)
    owners = shot.targets.samples.read(components=1, attachment=2, alignment=1)
    high, wide = shot.window.height * SUPERSAMPLE, shot.window.width * SUPERSAMPLE
    return np.frombuffer(owners, np.uint8).reshape(high, wide)


def draw_figure(programs: Programs, shot: Shot, figure: Figure, stance: Stance, number: int) -> None:
    """Draw where one person is."""
    program, photographed = programs.geometry, figure.photograph is not None
    if figure.photograph is not None:
        program = programs.photographed
        figure.photograph.use(1)
        figure.garments.use(2)
        shot.targets.photographed.use()
        programs.context.disable(moderngl.CULL_FACE)
    set_pose(programs, program, stance, clip=shot.clip, eye=shot.backdrop.camera.position, layering=1.0)
    set_uniforms(program, person=number)
    near = stance.bounds[3] - stance.bounds[1] > COARSE_BELOW
    (figure.lit if near else figure.coarse).render()
    if photographed:
        shot.targets.samples.use()
        programs.context.enable(moderngl.CULL_FACE)


def shade(programs: Programs, shot: Shot, *, most: int, arm_joints: Array) -> None:
    """Give people their colours, for `most` samples of a pixel."""
    targets, backdrop, context = shot.targets, shot.backdrop, programs.context
    targets.people.use()
    targets.people.clear(0.0, 0.0, 0.0, 0.0)
    use_textures(targets.surface, targets.normal, targets.depth, backdrop.shadow, shot.shadow.texture)
    targets.photo.use(6)
    set_uniforms(
        programs.person,
        **vars_of(backdrop.light),
        **shot.uniforms,
        most=most,
        arm_joints=arm_joints,
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
    context.enable(moderngl.BLEND)
    context.blend_func = moderngl.ONE, moderngl.ONE
    for number, (figure, stance) in enumerate(shot.people, 1):
        x0, y0, x1, y1 = within(stance, shot.window)
        if x1 <= x0 or y1 <= y0:
            continue
        targets.people.scissor = (x0, y0, x1 - x0, y1 - y0)
        set_uniforms(programs.person, person=number, photographed=float(figure.photograph is not None))
        figure.materials.bind_to_uniform_block(1)
        figure.prints.use(5)
        programs.fill(programs.person)
    targets.people.scissor = (0, 0, shot.window.width, shot.window.height)
    context.disable(moderngl.BLEND)


def combine(programs: Programs, shot: Shot) -> None:
    """Lay people over the backdrop, which they shade."""
    feet = np.zeros((MOST_WALKERS, 2), np.float32)
    for row, (_, stance) in zip(feet, shot.people, strict=False):
        row[:] = stance.x, stance.y
    shot.targets.linear.use()
    use_textures(
        shot.backdrop.shaded,
        shot.backdrop.direct,
        shot.backdrop.depth,
        shot.targets.people_map,
        shot.shadow.texture,
    )
    set_uniforms(
        programs.combine,
        **shot.uniforms,
        shaded=0,
        direct=1,
        depth=2,
        people=3,
        people_shadow=4,
        corner=(shot.window.x0, shot.window.y0),
        haze_colour=shot.backdrop.light.haze_colour,
        walkers=min(len(shot.people), MOST_WALKERS),
        feet=feet,
    )
    programs.fill(programs.combine)


def develop(programs: Programs, shot: Shot, sensor: Sensor, number: int) -> NDArray[np.uint8]:
    """The picture (H, W, 3) as a sensor sees it; `number` decides its noise."""
    shot.targets.final.use()
    shot.targets.linear_map.use(0)
    values = {k: v for k, v in vars_of(sensor).items() if k != "exposure"} | {
        "crosstalk": sensor.crosstalk * sensor.exposure
    }
    kernel = np.exp(-(np.arange(3.0) ** 2) / (2 * max(sensor.blur, 0.8) ** 2))
    set_uniforms(
        programs.develop,
        **values,
        kernel=kernel / (kernel[0] + 2 * kernel[1:].sum()),
        picture=0,
        corner=(shot.window.x0, shot.window.y0),
        frame=(shot.backdrop.camera.width, shot.backdrop.camera.height),
        shot=number,
        size=(shot.window.width, shot.window.height),
    )
    programs.fill(programs.develop)
    return np.frombuffer(shot.targets.final.read(components=3, alignment=1), np.uint8).reshape(
        shot.window.height, shot.window.width, 3
    )


def read_truth(programs: Programs, shot: Shot, arm_joints: Array) -> NDArray[np.uint8]:
    """Person, part, u, v of each sample (2H, 2W, 4)."""
    shot.targets.truth.use()
    use_textures(shot.targets.surface, shot.targets.normal)
    set_uniforms(programs.truth, surface_map=0, normal_map=1, arm_joints=arm_joints)
    programs.fill(programs.truth)
    raw = np.frombuffer(shot.targets.truth.read(components=4, alignment=1), np.uint8)
    return raw.reshape(shot.window.height * SUPERSAMPLE, shot.window.width * SUPERSAMPLE, 4)


def set_pose(
    programs: Programs,
    program: moderngl.Program,
    stance: Stance,
    *,
    clip: NDArray[np.float64],
    eye: NDArray[np.float64],
    layering: float,
) -> None:
    """Let what is drawn next with a program stand like this."""
    programs.bones.write(stance.transforms.astype("<f4").tobytes())
    programs.bones.bind_to_uniform_block(0)
    turn = stance.heading + np.pi / 2  # the body faces -y
    set_uniforms(
        program,
        view_projection=clip,
        place=(stance.x, stance.y, float(np.cos(turn)), float(np.sin(turn))),
        lift=stance.lift,
        camera=eye,
        layering=layering,
    )


def within(stance: Stance, window: Window) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of the part of a window that holds a person; empty where it is not in it."""
    left, top, right, bottom = stance.bounds
    x0, y0 = max(left - window.x0, 0), max(top - window.y0, 0)
    return x0, y0, min(right - window.x0, window.width), min(bottom - window.y0, window.height)


def overlaps(stance: Stance, window: Window) -> bool:
    """Return whether a person, not only its shadow, may be in a window."""
    x0, y0, x1, y1 = within(stance, window)
    return x0 < x1 and y0 < y1
