"""Traces: off unless asked for, one line where they cannot be, and nothing but what is on the list."""

import sys

import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from gallery import tracing
from gallery.errors import InvalidInput

ENDPOINT = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:4318"}


@pytest.mark.parametrize(
    ("variables", "exporter"),
    [
        ({}, None),
        (ENDPOINT, "otlp"),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://collector"}, "otlp"),
        (ENDPOINT | {"OTEL_TRACES_EXPORTER": "none"}, None),
        (ENDPOINT | {"OTEL_SDK_DISABLED": "TRUE"}, None),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, "otlp"),
        ({"OTEL_TRACES_EXPORTER": "console"}, "console"),
        ({"OTEL_SERVICE_NAME": "x"}, None),
    ],
)
def test_the_standard_variables_decide(variables: dict[str, str], exporter: str | None) -> None:
    assert tracing.wanted(variables) == exporter


def test_an_unknown_exporter_is_refused() -> None:
    with pytest.raises(InvalidInput, match="OTEL_TRACES_EXPORTER"):
        tracing.wanted({"OTEL_TRACES_EXPORTER": "zipkin"})


def test_without_the_extra_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert tracing.begin("sightline-server", {}) is None
    said = tracing.begin("sightline-server", ENDPOINT)
    assert said is not None
    assert "[otel]" in said
    assert len(said.splitlines()) == 1
    with tracing.span("request") as span:  # and all goes on
        span.rename("GET /livez")


def test_an_error_is_named_by_its_class_and_nothing_else_is_said() -> None:
    exporter = InMemorySpanExporter()
    tracing.begin_with(exporter, "tests")
    try:
        with pytest.raises(ValueError, match="Jane"), tracing.span("outer"), tracing.span("inner"):
            raise ValueError("Jane")
        with pytest.raises(AssertionError), tracing.span("outer") as span:
            span.note({"photo": "Jane.png"})
    finally:
        tracing.end()
    inner, outer, _ = exporter.get_finished_spans()
    assert (inner.name, outer.name) == ("inner", "outer")
    assert inner.parent is not None
    assert inner.parent.span_id == outer.context.span_id
    for sent in (inner, outer):
        assert sent.attributes == {"error.type": "ValueError"}
        assert "Jane" not in sent.to_json()
