"""Training is tested on a narrow backbone: what a run does is the same, and its weights are few."""

from collections.abc import Iterator

import pytest

from models import zoo
from models.zoo import LoadedModel
from tests.models.narrow import narrow_lite0, published_lite0


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    with narrow_lite0():
        yield


@pytest.fixture(scope="module")
def untrained_model(narrow: None) -> LoadedModel:
    """What training begins with here; to be read, never changed."""
    return zoo.untrained("efficientnet-lite0")


@pytest.fixture
def published() -> Iterator[None]:
    """The published backbone after all, for a test of what is learnt."""
    with published_lite0():
        yield
