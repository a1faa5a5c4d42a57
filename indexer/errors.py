"""Errors of the indexer.

IndexerError
├── UnreadableRecording   nothing can be read of this file; the message says why
│   └── NotOnNode         a node of a cluster cannot read it, though this machine can
│       └── StoreAway     as it cannot reach the object store
├── ClusterUnavailable    a cluster cannot be reached, or has no node to work on
├── NodeRefused           a node has another version, other weights, or lacks something
├── NodesLost             several nodes were lost while they worked on one recording
├── MalformedImport       a ready-made box file or crop folder is not in its format
├── NoSuchZone            a time zone that does not exist
├── NotOneTime            a local time that comes twice or not at all, as clocks are changed
├── BadPattern            a pattern for the paths of a watched folder that says too little
├── UnreadablePath        a path does not say what its pattern looks for
└── Cancelled             the caller asked to stop; nothing was written
"""


class IndexerError(Exception):
    """Base of all errors the indexer raises on purpose."""


class UnreadableRecording(IndexerError):
    """Nothing can be read of this recording."""


class NotOnNode(UnreadableRecording):
    """A node of a cluster cannot read a recording, though this machine can; the message names both."""


class StoreAway(NotOnNode):
    """A node of a cluster cannot reach the object store that a recording is in, though this machine can."""


class ClusterUnavailable(IndexerError):
    """A cluster cannot be reached, or has no node to work on."""


class NodeRefused(IndexerError):
    """A node of a cluster cannot be worked with: another version, other weights, something missing."""


class NodesLost(IndexerError):
    """Several nodes were lost, one after the other, while they worked on one recording."""


class MalformedImport(IndexerError):
    """A box file or crop folder is not in its format; the message names file and line."""


class Cancelled(IndexerError):
    """The caller asked to stop; nothing was written."""


class NoSuchZone(IndexerError):
    """There is no time zone of this name."""


class NotOneTime(IndexerError):
    """As clocks are changed, a local time comes twice or not at all.

    Attributes:
        choices: what it may be, with an offset each.
    """

    def __init__(self, message: str, choices: str) -> None:
        super().__init__(message)
        self.choices = choices


class BadPattern(IndexerError):
    """A pattern that says too little, or cannot be read."""


class UnreadablePath(IndexerError):
    """A path does not say what its pattern looks for."""
