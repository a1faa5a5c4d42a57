"""Errors of the models.

ModelError
├── UnknownModel       no model or detector of that name, and no checkpoint at that path
├── MissingWeights     a known network whose weights are not on this machine
├── BadCheckpoint      a checkpoint that is damaged, incomplete, hostile or of a newer format
├── CannotExport       a model that cannot be written as ONNX, or not so that it agrees with torch
├── BadImage           an image no network can be given: wrong type, no pixels, not three channels
├── BadClip            a clip without frames, or with more than a clip may have
├── DeviceUnavailable  the device asked for is not on this machine, or cannot do what was asked
├── DetectorError      a detector that cannot be made, or that answered what its kind never answers
├── BadDataset         a data set that is not there, or not laid out as published
├── BadDistances       distances that rank nothing: not finite, or not one for each pair
├── BadRecipe          a training recipe with an unknown key or a value that cannot be
├── TrainingError      a run that cannot begin, go on or end well
└── Cancelled          a run that was asked to stop; what it has done is kept
"""


class ModelError(Exception):
    """Base of all errors the models raise on purpose."""


class UnknownModel(ModelError):
    """No model or detector of that name, and no checkpoint at that path."""


class MissingWeights(ModelError):
    """The network is known, its weights are not on this machine; the message says how to get them."""


class BadCheckpoint(ModelError):
    """The checkpoint is damaged, incomplete, hostile, or of a format newer than this code."""


class CannotExport(ModelError):
    """The model cannot be written as ONNX: a package is missing, or the files would not agree with torch."""


class BadImage(ModelError):
    """An image must be uint8, (h, w, 3), RGB, with at least one pixel."""


class BadClip(ModelError):
    """A clip must have at least one frame and at most as many as the embedder takes."""


class DeviceUnavailable(ModelError):
    """The device or precision asked for is not available; nothing falls back unasked."""


class DetectorError(ModelError):
    """A detector cannot be made from what was given, or its output is not what its kind promises."""


class BadDataset(ModelError):
    """The data set is not at its root, or is not laid out as published; the message says what is expected."""


class BadDistances(ModelError):
    """Distances must be finite, one for each pair of query and gallery entry."""


class BadRecipe(ModelError):
    """A training recipe has an unknown key, or a value of the wrong type or out of range."""


class TrainingError(ModelError):
    """A run cannot begin (its folder is used, a package is missing), go on, or its loss is not finite."""


class Cancelled(ModelError):
    """The run was asked to stop and did; its state is kept, so it can go on."""
