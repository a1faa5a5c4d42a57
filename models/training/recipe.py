"""What a training run does, all of it: read from YAML, checked to the last key, and kept with the weights."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Self

import torch
from pydantic import Field, ValidationError, model_validator

from models.errors import BadRecipe, ModelError
from models.networks.backbones import BACKBONES
from models.networks.catalogue import build as build_network
from models.training.objectives import OBJECTIVES, AnySettings
from models.training.objectives.tkp import TKPSettings
from models.training.plan import Plan
from models.training.upgrade import upgrade

CONFIGS: Final = Path(__file__).parent / "configs"

FOLDERS: Final = ("initialise", "system.teacher", "system.captioner")
"""Keys that may name a folder of the machine that trains; cards name the model in it instead."""


class Recipe(Plan):
    """A training run except for the data and the machine."""

    system: Annotated[AnySettings, Field(discriminator="network")] = TKPSettings()

    @property
    def network(self) -> str:
        """The kind of network that is trained."""
        return self.system.network

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.architecture.get("projection") is not None:
            raise ValueError("architecture.projection is not trained: `sightline models whiten` computes it")
        check_buildable(self.network, self.backbone, self.architecture)
        least = BACKBONES[self.backbone].least
        if min(self.input.height, self.input.width) < least:
            raise ValueError(f"{self.backbone} takes crops of {least} pixels a side and more")
        return self


_BUILDABLE: Final[set[tuple[str, str, str]]] = set()
"""What was built once in this process: even without weights it takes a tenth of a second and more."""


def check_buildable(kind: str, backbone: str, architecture: Mapping[str, Any]) -> None:
    """Raise ValueError where there is no such network."""
    key = kind, backbone, repr(sorted(architecture.items()))
    if key not in _BUILDABLE:
        with torch.device("meta"):
            build_network(kind, {"backbone": backbone, **architecture})
        _BUILDABLE.add(key)


def read_recipe(name_or_path: str, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe.

    Args:
        name_or_path: a shipped recipe's name, or a YAML file.
        overrides: like "batches.frames=8"; values are YAML.

    Raises:
        BadRecipe: no such recipe, an unknown key, or a value that cannot be; the message names the key.
    """
    path = find_recipe(name_or_path)
    values = _parse(path.read_bytes(), str(path))
    if not isinstance(values, dict):
        raise BadRecipe(f"{path} is not a mapping of keys to values")
    for override in overrides:
        _set(values, override)
    return check_recipe(values)


def find_recipe(name_or_path: str) -> Path:
    """The file of a recipe. Raises BadRecipe."""
    shipped = {path.stem: path for path in sorted(CONFIGS.glob("*.yaml"))}
    path = shipped.get(name_or_path, Path(name_or_path))
    if not path.is_file():
        raise BadRecipe(f"no recipe {name_or_path!r}: neither a file nor one of {', '.join(shipped)}")
    return path


def check_recipe(values: Any) -> Recipe:
    """A recipe from plain values. Raises BadRecipe with the key that is wrong."""
    try:
        return Recipe.model_validate(upgrade(values) if isinstance(values, dict) else values)
    except ValidationError as error:
        first = error.errors()[0]
        # The type of a system's settings stands in the path by the name of its network.
        loc = [part for place, part in enumerate(first["loc"]) if place != 1 or part not in OBJECTIVES]
        key = ".".join(map(str, loc)) or "recipe"
        if first["type"] in {"extra_forbidden", "invalid_key"}:
            raise BadRecipe(f"unknown key {key!r}") from error
        # To YAML 3e-4 is text.
        hint = "; 3e-4 must be written 3.0e-4" if first["type"] == "float_type" else ""
        raise BadRecipe(f"{key}: {first['msg'].removeprefix('Value error, ')}{hint}") from error


def _set(values: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key:
        raise BadRecipe(f"{override!r} is not like key=value")
    *sections, last = key.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise BadRecipe(f"unknown key {key!r}: {section!r} has no keys")
    values[last] = _parse(text.encode(), key)


def _parse(data: bytes, where: str) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise ModelError("recipes need PyYAML: pip install '.[train]'") from error
    try:
        return yaml.safe_load(data)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadRecipe(f"{where} is not YAML: {' '.join(str(error).split())}") from error
