"""Errors of the simulator.

SimulationError
├── BadWardrobe       a garment file that cannot be read or does not fit the body
├── BadPeople         a file of a people directory that cannot be read or is not of the format
├── BadRequest        a preset, size or seed that cannot be simulated
├── NoRenderer        no OpenGL 3.3 context through EGL on this machine
└── WorkerDied        drawing processes die again and again
"""


class SimulationError(Exception):
    """Base of all errors the simulator raises on purpose."""


class BadWardrobe(SimulationError):
    """A garment file cannot be read or does not fit the body."""


class BadPeople(SimulationError):
    """A file of a people directory cannot be read or is not of the format."""


class BadRequest(SimulationError):
    """A preset, size or seed that cannot be simulated."""


class NoRenderer(SimulationError):
    """No OpenGL context could be made; on Debian the packages libegl1 and libgl1-mesa-dri give one."""


class WorkerDied(SimulationError):
    """Drawing processes die again and again; what was finished stays, and the next run goes on from there."""
