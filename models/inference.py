"""A copy of a network that computes the same features with less work."""

from copy import deepcopy
from itertools import pairwise
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from models.devices import resolve_device
from models.errors import DeviceUnavailable
from models.imported.network import ImportedNetwork
from models.networks.network import Network

Some = TypeVar("Some", bound=Network)


def device_for(network: Network, device: str) -> str:
    """The device that a network goes to, where "auto" is a GPU if there is one and the network can use it.

    Raises:
        DeviceUnavailable: the device is not there, or nothing for this network.
    """
    if network.in_torch:
        return resolve_device(device)
    if device not in {"auto", "cpu"}:
        raise DeviceUnavailable(f"an imported network runs on the CPU, not on {device!r}")
    return "cpu"


def ready(network: Network, device: str, dtype: torch.dtype) -> Network:
    """Make a copy of a network that computes on this device, in this precision, with torch's threads.

    Raises:
        DeviceUnavailable: this network computes in float32 only.
    """
    if isinstance(network, ImportedNetwork):
        if dtype is not torch.float32:
            raise DeviceUnavailable("an imported network computes in fp32 only")
        return network.opened(torch.get_num_threads())
    copy = optimise(network).to(device=device, dtype=dtype)
    for module in copy.precise():
        module.float()
    return copy


def optimise(network: Some) -> Some:
    """Copy a network for inference: no gradients, channels_last, norms folded, idle blocks dropped.

    Features agree with the original's to float32 rounding. The original is left as it is.
    """
    copy = deepcopy(network).eval().requires_grad_(False)
    copy.trim()
    for module in copy.modules():
        fold_norms(module)
    return copy.to(memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]


def fold_norms(module: nn.Module) -> None:
    """Fold each batch normalisation of `module` into the convolution declared just before it.

    Layers of our networks and torchvision's are declared in the order in which they are applied.
    """
    children = list(module.named_children())
    for (conv_name, conv), (norm_name, norm) in pairwise(children):
        if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
            setattr(module, conv_name, fuse_conv_bn_eval(conv, norm))
            setattr(module, norm_name, nn.Identity())
