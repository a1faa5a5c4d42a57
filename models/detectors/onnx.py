"""ONNX Runtime sessions: one way to open a file, with the threads and the device that were asked for."""

from pathlib import Path

import onnxruntime as ort

from models.errors import DetectorError, DeviceUnavailable
from models.onnx_runtime import CPU, CUDA, ORT_ERRORS, session_options


def open_session(path: Path, device: str, threads: int | None) -> tuple[ort.InferenceSession, str]:
    """Open an ONNX file.

    Args:
        path: of the file.
        device: "auto" (a GPU if this ONNX Runtime is built for one, else the CPU), "cpu" or "cuda:N".
        threads: threads of one run; None for one a core.

    Returns:
        The session, and the device it runs on.

    Raises:
        DetectorError: the file is not there or not a network that ONNX Runtime can run.
        DeviceUnavailable: the GPU asked for is not available to ONNX Runtime.
    """
    if not path.is_file():
        raise DetectorError(f"no file {path}")
    providers, wanted = _providers(device)
    if wanted != "cpu":
        ort.preload_dlls()  # CUDA's libraries lie in packages, where the loader does not look
    try:
        session = ort.InferenceSession(str(path), session_options(threads), providers=providers)
    except ORT_ERRORS as error:
        raise DetectorError(f"ONNX Runtime cannot run {path}: {error}") from error
    if wanted != "cpu" and CUDA not in session.get_providers():
        # ONNX Runtime warns and goes on with the CPU when the CUDA libraries are missing.
        raise DeviceUnavailable(f"ONNX Runtime cannot use {wanted} here; see its log for the missing library")
    return session, wanted


def _providers(device: str) -> tuple[list[str | tuple[str, dict[str, str]]], str]:
    has_cuda = CUDA in ort.get_available_providers()
    if device == "cpu" or (device == "auto" and not has_cuda):
        return [CPU], "cpu"
    index = "0" if device in {"auto", "cuda"} else device.removeprefix("cuda:")
    if not has_cuda or not index.isdecimal():
        raise DeviceUnavailable(f"device {device!r} is not available: this ONNX Runtime has only the CPU")
    return [(CUDA, {"device_id": index}), CPU], f"cuda:{index}"
