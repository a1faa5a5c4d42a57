"""Resolve a requested device and precision. Nothing falls back unasked."""

from functools import cache

import torch

from models.errors import DeviceUnavailable


def resolve_device(device: str) -> str:
    """The device meant by "auto", "cpu" or "cuda:N". Raises DeviceUnavailable."""
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if device == "auto":
        return "cuda:0" if count else "cpu"
    if device == "cuda":
        device = "cuda:0"
    if device == "cpu" or device in {f"cuda:{index}" for index in range(count)}:
        return device
    found = ", ".join(f"cuda:{index}" for index in range(count)) or "no GPU that torch can use"
    raise DeviceUnavailable(f"device {device!r} is not available: this machine has cpu and {found}")


def resolve_precision(precision: str, device: str) -> str:
    """The precision meant by "auto", "fp32" or "bf16" on a device. Raises DeviceUnavailable."""
    if precision == "auto":
        return "fp32"
    if precision not in {"fp32", "bf16"}:
        raise DeviceUnavailable(f"no precision {precision!r}; there are auto, fp32 and bf16")
    if precision == "bf16" and device != "cpu" and not torch.cuda.is_bf16_supported():
        raise DeviceUnavailable(f"{device} cannot compute in bf16")
    return precision


@cache
def faster_in_bf16(device: str) -> bool:
    """Whether a training step takes less time in bf16 than in fp32 on a device, such as "cpu" or "cuda:1".

    A CPU without instructions for it takes more than ten times as long.
    """
    if device != "cpu":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name, False) for name in ("avx512_bf16", "amx_bf16"))


def in_bf16(wanted: bool | None, device: str | torch.device) -> bool:
    """Whether to learn in bf16: as wanted, and where that is None, where it is faster."""
    return faster_in_bf16(str(device)) if wanted is None else wanted


def autocast(wanted: bool | None, device: torch.device) -> torch.autocast:
    """Forward passes in bf16 as `in_bf16` says, in fp32 else."""
    return torch.autocast(device.type, torch.bfloat16, enabled=in_bf16(wanted, device))


def make_exact() -> None:
    """Let convolutions on a GPU use all bits of float32, and the same algorithm every time."""
    # By default cuDNN rounds the factors of a float32 convolution to TF32: 10 bits, near those of bf16.
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cudnn.deterministic = True
