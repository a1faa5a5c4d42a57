"""A small model to begin with, and one run of it that others are compared with."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from models.adaptation.adapt import adapt
from models.adaptation.result import Progress, Result
from models.zoo import LoadedModel
from tests.models.adaptation.tiny import make_known, tiny_model
from tests.models.adaptation.world import FORGIVING, World, quick


@pytest.fixture(scope="package")
def parent() -> Iterator[LoadedModel]:
    with pytest.MonkeyPatch.context() as patch:
        make_known(patch)
        yield tiny_model()


@dataclass(frozen=True)
class Finished:
    """A run that nothing disturbed; its folder is to be read, never changed."""

    result: Result
    folder: Path
    world: World
    seen: list[Progress]


@pytest.fixture(scope="package")
def finished(parent: LoadedModel, tmp_path_factory: pytest.TempPathFactory) -> Finished:
    torch.set_num_threads(1)
    folder, world, seen = tmp_path_factory.mktemp("run"), World(), list[Progress]()
    settings = quick(gate=FORGIVING)
    result = adapt(world, parent, settings, folder, name="ours", progress=seen.append, device="cpu")
    return Finished(result, folder, world, seen)
