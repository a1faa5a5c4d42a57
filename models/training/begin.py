"""What training begins with."""

from dataclasses import replace

from models import zoo
from models.checkpoint import LoadedModel
from models.errors import BadRecipe
from models.networks.catalogue import NETWORKS
from models.networks.network import Network
from models.training.plan import IMAGENET
from models.training.recipe import Recipe


def begin(recipe: Recipe) -> LoadedModel:
    """What training begins with, at the size of the recipe: ImageNet weights, or a checkpoint (`as_kind`)."""
    if recipe.initialise == IMAGENET:
        begun = zoo.untrained(recipe.backbone, recipe.network, **recipe.architecture)
    else:
        begun = zoo.load(recipe.initialise)
        begun.network.drop_projection()  # computed from features that training changes
        begun = replace(begun, network=as_kind(begun.network, recipe))
        check_architecture(recipe, begun.network)
    if recipe.system.has_neck and not begun.network.has_neck:
        begun.network.add_neck()
    elif not recipe.system.has_neck and begun.network.has_neck:
        raise BadRecipe(f"system.neck: {recipe.initialise} has a neck: set it to bn")
    wanted = recipe.input
    preprocessing = replace(
        begun.preprocessing, height=wanted.height, width=wanted.width, mirror=wanted.mirror
    )
    return replace(begun, preprocessing=preprocessing)


def as_kind(network: Network, recipe: Recipe) -> Network:
    """What a recipe for another kind of network can begin with.

    A kind that is built on the network's own takes all weights, where it has no others. One that has nothing
    to do with it takes the backbone that photos pass, and draws the rest as from ImageNet's weights. Where
    neither can be, the network comes back as it is.
    """
    wanted = NETWORKS[recipe.network]
    if issubclass(type(network), wanted):
        return rebuilt(network, recipe)
    if issubclass(wanted, type(network)):
        other = wanted(**network.architecture)
        if other.state_dict().keys() != network.state_dict().keys():
            return network
        other.load_state_dict(network.state_dict())
        return other.eval()
    backbone = network.image_backbone
    if backbone is None or network.architecture["backbone"] != recipe.backbone:
        return network
    arguments = {"backbone": recipe.backbone, **recipe.architecture}
    return zoo.fresh(recipe.network, arguments, backbone.state_dict())


def rebuilt(network: Network, recipe: Recipe) -> Network:
    """The network as the recipe builds it, if it has the same weights: such as with another stride."""
    arguments = {**network.architecture, **recipe.architecture}
    if arguments == network.architecture:
        return network
    other = type(network)(**arguments)
    if shapes(other) != shapes(network):
        return network
    other.load_state_dict(network.state_dict())
    return other.eval()


def shapes(network: Network) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network's tensors."""
    return {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}


def check_architecture(recipe: Recipe, network: Network) -> None:
    """Raise BadRecipe if the network is not what the recipe trains."""
    wanted = {"network": recipe.network, "backbone": recipe.backbone, **recipe.architecture}
    found = {"network": network.kind, **network.architecture}
    for key, value in wanted.items():
        if found.get(key) != value:
            raise BadRecipe(f"initialise: {recipe.initialise} has the {key} {found.get(key)!r}")
