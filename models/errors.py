"""Errors of the models.

ModelError
├── UnknownModel       no model or detector of that name, and no checkpoint at that path
├── MissingWeights     a known network whose weights are not on this machine
├── BadCheckpoint      a checkpoint that is damaged, incomplete, hostile or of a newer format
├── BadImage           a picture no network can be given: wrong type, no pixels, not three channels
├── DeviceUnavailable  the device asked for is not on this machine, or cannot do the precision asked for
└── DetectorError      a detector that cannot be made or that answered something it never should
"""


class ModelError(Exception):
    """Base of all errors the models raise on purpose."""


class UnknownModel(ModelError):
    """No model or detector of that name, and no checkpoint at that path."""


class MissingWeights(ModelError):
    """The network is known, its weights are not on this machine; the message says how to get them."""


class BadCheckpoint(ModelError):
    """The checkpoint is damaged, incomplete, hostile, or of a format newer than this code."""


class BadImage(ModelError):
    """A picture must be uint8, (h, w, 3), RGB, with at least one pixel."""


class DeviceUnavailable(ModelError):
    """The device or precision asked for is not available; nothing falls back unasked."""


class DetectorError(ModelError):
    """A detector cannot be made from what was given, or its output is not what its kind promises."""
