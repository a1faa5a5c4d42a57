"""Networks, what judges them, and what embeds with them.

    from models import Embedder, evaluate, load

    embedder = Embedder(load("tkp-efficientnet-lite0"))

A name loads when it is first used: who wants the name of a model need not wait for torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.embedder import Embedder as Embedder
    from models.evaluation.study import evaluate as evaluate
    from models.zoo import load as load

_HOMES = {"Embedder": "embedder", "evaluate": "evaluation.study", "load": "zoo"}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"models.{_HOMES[name]}"), name)
