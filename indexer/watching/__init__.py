"""Folders that are watched: recordings that have settled there become jobs, each once."""
