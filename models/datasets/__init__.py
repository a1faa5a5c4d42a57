"""Data sets, one file each, read as published."""

from models.datasets.catalogue import READERS, captions, load

__all__ = ["READERS", "captions", "load"]
