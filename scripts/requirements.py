"""Print what pip has to install for the named extras, one requirement a line.

The Dockerfile installs dependencies in a layer of their own, before the source is copied, so that a change of
the source does not download them again.
"""

import sys
import tomllib
from pathlib import Path


def requirements(pyproject: Path, extras: list[str]) -> list[str]:
    """Dependencies of the project and of the named extras. Raises KeyError when there is no such extra."""
    project = tomllib.loads(pyproject.read_text(encoding="utf-8"))["project"]
    named: list[str] = list(project["dependencies"])
    for extra in extras:
        named += project["optional-dependencies"][extra]
    return named


if __name__ == "__main__":
    sys.stdout.write("\n".join(requirements(Path("pyproject.toml"), sys.argv[1:])) + "\n")
