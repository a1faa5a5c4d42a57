"""Models that come with the program: a gallery keeps them like its own once they are asked for."""

import json
from typing import TYPE_CHECKING, Any

from gallery import ModelInfo, NotFound
from models.names import CARD, SHIPPED, ZOO, shipped_ids

if TYPE_CHECKING:  # the command line asks about models without a gallery
    from gallery import Gallery, RegisteredModel


def shipped_card(name: str) -> dict[str, Any]:
    """The card of a model that comes with the program."""
    card: dict[str, Any] = json.loads((ZOO / name / CARD).read_bytes())
    return card


def is_shipped(name: str, model_id: str) -> bool:
    """Whether this very model comes with the program, and not only one of that name."""
    return shipped_ids().get(name) == model_id


def kept(gallery: "Gallery", model: str, *, key_id: str | None = None) -> "RegisteredModel":
    """The model of the gallery, by name or id; one that comes with the program is copied into it first.

    Args:
        gallery: whose.
        model: name, or the beginning of the id.
        key_id: who asks; None for the command line.

    Raises:
        NotFound: no such model, neither there nor here.
        Conflict: several models have this name.
    """
    try:
        found = gallery.models.find(model)
    except NotFound:
        found = None
    if found is not None and found.folder is not None:
        return found
    # By its name it is this version's; by its id no other, even if an earlier version had one of that name.
    name = found.name if found is not None and is_shipped(found.name, found.id) else model
    if name not in SHIPPED:
        if found is not None:
            return found
        raise NotFound(f"no model {model!r} in the gallery"[:200])
    card = shipped_card(name)
    info = ModelInfo(card["id"], name, card["dimension"], card)
    return gallery.models.add(info, ZOO / name, key_id=key_id)
