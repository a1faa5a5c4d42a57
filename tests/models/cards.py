"""What stands in cards."""

from collections.abc import Iterator
from typing import Any


def texts(values: Any) -> Iterator[str]:
    """All strings in plain JSON, keys included."""
    if isinstance(values, str):
        yield values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield key
            yield from texts(value)
    elif isinstance(values, list):
        for value in values:
            yield from texts(value)


def looks_like_a_path(text: str) -> bool:
    """Whether a text holds an absolute or relative path of some machine."""
    words = text.replace(",", " ").split()
    return any(word.startswith(("/", "~", "./", "../")) or word[1:3] in {":\\", ":/"} for word in words)


def runs(training: dict[str, Any]) -> list[dict[str, Any]]:
    """The runs that a card tells of: the last, and what it began from; or those of all that were averaged."""
    if parts := training.get("average_of"):
        return [run for part in parts for run in runs(part["training"])]
    before = training.get("before")
    return [training, *(runs(before) if before else [])]
