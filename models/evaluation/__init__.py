"""Judging models on data sets; nothing in training knows of it."""
