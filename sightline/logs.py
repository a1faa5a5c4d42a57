"""Logs of the long-running commands: one line per event, with nothing in it that could steer a terminal."""

import logging
import sys
import threading
from collections.abc import MutableMapping
from typing import Any, Literal

import structlog
from pydantic_settings import BaseSettings, SettingsConfigDict
from structlog.typing import Processor

from gallery.tracing import begin
from indexer.names import shown


class LogSettings(BaseSettings):
    """How logs are written: as text for people, or one JSON object a line for programs."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_LOG_", frozen=True)

    format: Literal["text", "json"] = "text"


def write_printable_logs(settings: LogSettings) -> None:
    """Log to standard output with control characters escaped, for paths and names come from strangers.

    A raw escape sequence would reach the terminal that shows the log; a raw line break forges a line.
    """
    lines = Lines()
    structlog.configure(processors=[*_common(), *_ending(settings)], logger_factory=lambda *_: lines)


class Lines:
    """Puts lines on standard output as long as they can be written there.

    A log on a full disk, or a reader that went away, must end no request and no recording: what is lost is
    counted, and told once lines can be written again.
    """

    def __init__(self) -> None:
        self._lost = 0
        self._lock = threading.Lock()

    def msg(self, line: str) -> None:
        """Write a line."""
        with self._lock:
            lost, self._lost = self._lost, 0
            try:
                sys.stdout.write(f"{line}\n")
                sys.stdout.flush()
            except (OSError, ValueError):  # ValueError: it was closed
                self._lost = lost + 1
                return
        if lost:
            structlog.get_logger(__name__).warning("lines of the log could not be written", lines=lost)

    log = debug = info = warning = error = critical = exception = msg


def trace(service: str) -> None:
    """Send spans where OTEL_* variables ask for it, and say so in a line.

    Raises:
        InvalidInput: a variable has a value that cannot be.
    """
    said = begin(service)
    if said is not None:
        structlog.get_logger(__name__).info(said)


def of_server(settings: LogSettings) -> dict[str, Any]:
    """The configuration of logging with which uvicorn's own lines look like ours.

    Its line a request is not among them: it has the whole address, and who asks.
    """
    formatter = {
        "()": lambda: structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*_common(), structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_ending(settings)],
        )
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"ours": formatter},
        "handlers": {
            "out": {"class": "logging.StreamHandler", "formatter": "ours", "stream": "ext://sys.stdout"}
        },
        "loggers": {"uvicorn": {"handlers": ["out"], "level": logging.INFO, "propagate": False}},
    }


def _common() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.StackInfoRenderer(),
        structlog.dev.set_exc_info,
        structlog.processors.format_exc_info,
        structlog.processors.TimeStamper(fmt="iso"),
    ]


def _ending(settings: LogSettings) -> list[Processor]:
    if settings.format == "json":
        return [structlog.processors.JSONRenderer(default=repr)]  # escapes what does not print by itself
    return [
        _escape,
        structlog.dev.ConsoleRenderer(
            colors=sys.stdout.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ]


def _escape(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape every text of an event; the lines of a traceback stay lines, indented like no event's."""
    for name, value in event.items():
        if name in {"exception", "stack"}:
            event[name] = "\n".join("  " + shown(line) for line in str(value).split("\n"))
        elif isinstance(value, str):
            event[name] = shown(value)
    return event
