"""Data sets, one file each, read as published."""
