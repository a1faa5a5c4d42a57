"""Data sets, one file each, read as published."""

from models.datasets.catalogue import READERS, load

__all__ = ["READERS", "load"]
