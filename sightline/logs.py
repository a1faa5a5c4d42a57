"""Logs of the long-running commands: one line per event, with nothing in it that could steer a terminal."""

import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

from indexer.names import shown


def write_printable_logs() -> None:
    """Log to standard output with control characters escaped, for paths and names come from strangers.

    A raw escape sequence would reach the terminal that shows the log; a raw line break forges a line.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.StackInfoRenderer(),
            structlog.dev.set_exc_info,
            structlog.processors.format_exc_info,
            structlog.processors.TimeStamper(fmt="iso"),
            _escape,
            structlog.dev.ConsoleRenderer(
                colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


def _escape(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape every text of an event; the lines of a traceback stay lines, indented like no event's."""
    for name, value in event.items():
        if name in {"exception", "stack"}:
            event[name] = "\n".join("  " + shown(line) for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[name] = shown(value)
    return event
