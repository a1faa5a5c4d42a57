"""One process, or the several that torchrun started: who this one is and where it computes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor

from models.devices import resolve_device


@dataclass(frozen=True, slots=True)
class Place:
    """Number `rank` of `world` processes, on `device`; number 0 writes."""

    rank: int
    world: int
    device: str

    @property
    def writes(self) -> bool:
        """Whether this process keeps the record."""
        return self.rank == 0

    def average(self, values: Tensor) -> Tensor:
        """The mean of a tensor over all processes, in place."""
        if self.world > 1:
            dist.all_reduce(values)
            values /= self.world
        return values


@contextmanager
def joined(device: str) -> Iterator[Place]:
    """Join the other processes of torchrun, if there are any, until the end of the block.

    Args:
        device: "auto", "cpu" or "cuda:N"; under torchrun "auto" is the GPU of the process's local rank.

    Raises:
        DeviceUnavailable: there is no such device.
    """
    if "TORCHELASTIC_RUN_ID" not in os.environ:
        yield Place(0, 1, resolve_device(device))
        return
    if device == "auto" and torch.cuda.is_available():
        device = f"cuda:{os.environ['LOCAL_RANK']}"
    device = resolve_device(device)
    dist.init_process_group("gloo" if device == "cpu" else "nccl")
    if device != "cpu":
        torch.cuda.set_device(device)
    try:
        yield Place(dist.get_rank(), dist.get_world_size(), device)
    finally:
        dist.destroy_process_group()
