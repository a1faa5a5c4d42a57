"""What tests that draw have in common: a renderer, a plain studio, silhouettes."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import numpy as np
import pytest
from numpy.typing import NDArray

from simulation.errors import NoRenderer
from simulation.scene import SUPERSAMPLE

Made = TypeVar("Made")


def made_or_skipped(make: Callable[[], Made], environment: Mapping[str, str]) -> Made:
    """What `make` makes; without a renderer the test is skipped, but fails where CI=true."""
    try:
        return make()
    except NoRenderer as error:
        give_up(str(error), environment)


def give_up(reason: str, environment: Mapping[str, str]) -> NoReturn:
    """Skip a test; fail it in continuous integration, where everything is there or something is wrong."""
    if environment.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def silhouette(people: NDArray[np.uint8], number: int = 1) -> NDArray[np.bool_]:
    """Pixels (H, W) of which a person has every sample."""
    high, wide = people.shape
    samples = people.reshape(high // SUPERSAMPLE, SUPERSAMPLE, wide // SUPERSAMPLE, SUPERSAMPLE)
    return np.asarray((samples == number).all((1, 3)))


def linear(pixels: NDArray[np.uint8]) -> NDArray[Any]:
    """Linear light, 0 to 1."""
    return np.asarray((pixels / 255.0) ** 2.2)
