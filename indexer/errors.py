"""Errors of the indexer.

IndexerError
├── UnreadableRecording   nothing can be read of this file; the message says why
├── MalformedImport       a ready-made box file or crop folder is not in its format
└── Cancelled             the caller asked to stop; nothing was written
"""


class IndexerError(Exception):
    """Base of all errors the indexer raises on purpose."""


class UnreadableRecording(IndexerError):
    """Nothing can be read of this recording."""


class MalformedImport(IndexerError):
    """A box file or crop folder is not in its format; the message names file and line."""


class Cancelled(IndexerError):
    """The caller asked to stop; nothing was written."""
