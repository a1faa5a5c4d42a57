"""Searches: from a question to a recorded answer, its pages and history, and searches that follow from it."""
