"""Shader programs: compiling them, setting their uniforms, drawing over whole pictures with them."""

from collections.abc import Sequence
from dataclasses import fields
from functools import cache
from importlib.resources import files

import moderngl
import numpy as np

from simulation.errors import NoRenderer
from simulation.scene import Light, Sensor


def open_context() -> moderngl.Context:
    """A context of its own, made current. Raises NoRenderer."""
    try:
        return moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
    except Exception as error:  # moderngl raises bare ones
        raise NoRenderer(f"no OpenGL 3.3 context through EGL: {error}") from error


MOST_BONES = 104  # as in person.vert


class Programs:
    """All shader programs of a context."""

    def __init__(self, context: moderngl.Context) -> None:
        c = self.context = context
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
        self.bones = c.buffer(reserve=MOST_BONES * 3 * 16)  # three rows of four floats each

    def fill(self, program: moderngl.Program) -> None:
        """Run a program on every pixel of what is drawn into."""
        self._full[program].render()


@cache
def shader(name: str) -> str:
    """Text of a shader file."""
    return (files("simulation") / "shaders" / name).read_text()


def compile_program(
    context: moderngl.Context,
    vertex: str,
    fragment: str,
    parts: Sequence[str] = (),
    defines: Sequence[str] = (),
) -> moderngl.Program:
    """Compile a vertex shader with a fragment shader and the parts it uses."""
    head = "#version 330 core\n" + "".join(f"#define {name}\n" for name in defines)
    body = "".join(shader(f"{part}.glsl") for part in parts) + shader(fragment)
    program = context.program(vertex_shader=head + shader(vertex), fragment_shader=head + body)
    # Looking a name up in a program goes through all its members.
    program.extra = {name: program[name] for name in program if isinstance(program[name], moderngl.Uniform)}
    return program


def bind_block(program: moderngl.Program, name: str, point: int) -> None:
    """Let a uniform block of a program read from a binding point."""
    block = program[name]
    assert isinstance(block, moderngl.UniformBlock)
    block.binding = point


def set_uniforms(program: moderngl.Program, **values: object) -> None:
    """Set the uniforms a program has; a compiler removes unused ones. Matrices are given row by row."""
    known: dict[str, moderngl.Uniform] = program.extra
    for name, value in values.items():
        uniform = known.get(name)
        if uniform is None:
            continue
        if isinstance(value, np.ndarray):
            rows = value.T if value.shape in ((4, 4), (3, 3)) else value
            uniform.write(rows.astype("<f4").tobytes())
        else:
            uniform.value = value


def vars_of(record: Light | Sensor) -> dict[str, object]:
    """A record's fields under the names the shaders use."""
    renamed = {
        "direction": "sun_direction",
        "sun": "sun_colour",
        "sky": "sky_colour",
        "bounce": "ground_light",
        "side": "side_light",
    }
    return {renamed.get(f.name, f.name): getattr(record, f.name) for f in fields(record)}
