"""ONNX Runtime: its errors, and sessions that share the cores with whatever runs beside them."""

from pathlib import Path
from typing import Final

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

CPU: Final = "CPUExecutionProvider"
CUDA: Final = "CUDAExecutionProvider"

# ONNX Runtime's errors have no base of their own below Exception.
ORT_ERRORS: Final = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoSuchFile,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
    UnicodeDecodeError,  # of a message about a file whose names are no UTF-8
)
_FATAL_ONLY: Final = 4


def session_options(threads: int | None) -> ort.SessionOptions:
    """Options of a session whose runs take so many threads; None for one a core."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads or 0
    # Threads that wait asleep between operators leave their cores to decoding and embedding, which run beside
    # them: with two threads on two busy cores a frame takes 37 ms of CPU time instead of 56.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def open_on_cpu(path: Path, threads: int | None) -> ort.InferenceSession:
    """Open a file on the CPU; what goes wrong is raised, one of ORT_ERRORS, and nothing is printed.

    ONNX Runtime would warn of every constant in the file that the network does not need: often a hundred.
    """
    options = session_options(threads)
    options.log_severity_level = _FATAL_ONLY
    return ort.InferenceSession(str(path), options, providers=[CPU])
