"""Spans for OpenTelemetry, where an operator asks for them with the standard OTEL_* variables; else nothing.

What a span says is on a list: names of stages and routes, statuses, counts. Ids of tracklets and recordings,
names, purposes, photos and addresses are no attributes, and an error is named by its class alone, since its
message may have any of these.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Final

from gallery.errors import InvalidInput

if TYPE_CHECKING:
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Tracer

ATTRIBUTES: Final = frozenset(
    {
        "http.request.method",
        "http.route",
        "http.response.status_code",
        "error.type",
        "sightline.job.kind",
        "sightline.job.attempt",
        "sightline.job.outcome",
        *(f"sightline.seconds.{stage}" for stage in ("decode", "detect", "track", "embed", "store")),
    }
)
_EXPORTERS: Final = ("otlp", "console", "none")
_tracer: "Tracer | None" = None
_provider: Any = None


def wanted(environment: Mapping[str, str]) -> str | None:
    """Which exporter the standard variables ask for; None: none.

    OTEL_TRACES_EXPORTER names it; where it is not set, an endpoint (OTEL_EXPORTER_OTLP_ENDPOINT or
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) asks for "otlp". OTEL_SDK_DISABLED=true turns all of it off.

    Raises:
        InvalidInput: OTEL_TRACES_EXPORTER names one that there is not.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    endpoints = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    default = "otlp" if any(environment.get(name) for name in endpoints) else "none"
    named = environment.get("OTEL_TRACES_EXPORTER", "").strip() or default
    if named not in _EXPORTERS:
        raise InvalidInput(f"OTEL_TRACES_EXPORTER is {named!r}: it may be {', '.join(_EXPORTERS)}"[:200])
    return None if named == "none" else named


def begin(service: str, environment: Mapping[str, str] = os.environ) -> str | None:
    """Send spans, if the variables ask for it; returns a line for the log, or None where nothing is asked.

    `service` is the name where OTEL_SERVICE_NAME gives none.

    Raises:
        InvalidInput: a variable has a value that cannot be.
    """
    named = wanted(environment)
    if named is None:
        return None
    try:
        exporter = _exporter(named)
    except ImportError:
        return "no traces: OTEL_* variables ask for them, but the extra [otel] is not installed"
    begin_with(exporter, service, environment)
    return f"traces go to the exporter {named}"


def begin_with(exporter: "SpanExporter", service: str, environment: Mapping[str, str] = os.environ) -> None:
    """Send spans to an exporter, in the background and in batches."""
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    global _tracer, _provider  # noqa: PLW0603  (one a process, as OpenTelemetry has it)
    named = {SERVICE_NAME: service} if "OTEL_SERVICE_NAME" not in environment else {}
    _provider = TracerProvider(resource=Resource.create(named))
    _provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = _provider.get_tracer("sightline")


def end() -> None:
    """Send what has not been sent, and no more."""
    global _tracer, _provider  # noqa: PLW0603
    if _provider is not None:
        _provider.shutdown()
    _tracer = _provider = None


class Span:
    """What is going on; attributes that are not on the list are an error of the program."""

    def __init__(self, span: Any = None) -> None:
        self._span = span

    def rename(self, name: str) -> None:
        """Call it otherwise, now that more is known."""
        if self._span is not None:
            self._span.update_name(name)

    def note(self, attributes: Mapping[str, str | int | float]) -> None:
        """Say more of it."""
        assert attributes.keys() <= ATTRIBUTES, attributes.keys() - ATTRIBUTES
        if self._span is not None:
            self._span.set_attributes(attributes)

    def failed(self, kind: str) -> None:
        """It did not work; `kind` is the name of a class or a status."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode

            self._span.set_status(Status(StatusCode.ERROR))
            self.note({"error.type": kind})


def span(name: str, *, parent: Mapping[str, str] | None = None) -> AbstractContextManager[Span]:
    """A span around a block, below the one that is open here.

    Args:
        name: one of few: of a stage or a route, never of what passes through it.
        parent: headers of a request, whose `traceparent` names the caller's span.
    """
    return nullcontext(Span()) if _tracer is None else _open(_tracer, name, parent)


@contextmanager
def _open(tracer: "Tracer", name: str, parent: Mapping[str, str] | None) -> Iterator[Span]:
    from opentelemetry.trace import SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    context = None if parent is None else TraceContextTextMapPropagator().extract(dict(parent))
    kind = SpanKind.INTERNAL if parent is None else SpanKind.SERVER
    quiet: dict[str, Any] = {"record_exception": False, "set_status_on_exception": False}
    with tracer.start_as_current_span(name, context=context, kind=kind, **quiet) as raw:
        opened = Span(raw)
        try:
            yield opened
        except BaseException as error:
            opened.failed(type(error).__name__)
            raise


def _exporter(named: str) -> "SpanExporter":
    import opentelemetry.sdk.trace  # noqa: F401  (part of the extra)

    if named == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
