"""Data sets, one file each, read as published."""

from models.datasets.catalogue import READERS, STANDARD, captions, load

__all__ = ["READERS", "STANDARD", "captions", "load"]
