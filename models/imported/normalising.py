"""Writes out a layer of ONNX files that ONNX Runtime computes wrongly where nothing varies.

MeanVarianceNormalization divides by a standard deviation plus 1e-9 (ONNX operators, its function body).
ONNX Runtime 1.31 leaves the 1e-9 out, so that features are not finite where a map is constant. Networks of
the OSNet kind of the Open Model Zoo have such maps for every picture.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from models.errors import BadCheckpoint
from models.imported.protobuf import Field, block, fields, number, text

LAYER: Final = "MeanVarianceNormalization"
_EPSILON: Final = "sightline_epsilon"
_LAST_OPSET: Final = 17  # later ones take the axes of ReduceMean as an input
_FLOAT, _INTS = 1, 7
_DEFAULT_AXES: Final = (0, 2, 3)

_MODEL_GRAPH, _MODEL_OPSET = 7, 8
_GRAPH_NODE, _GRAPH_TENSOR = 1, 5
_NODE_INPUT, _NODE_OUTPUT, _NODE_KIND, _NODE_ATTRIBUTE = 1, 2, 4, 5


def written_out(model: bytes) -> bytes | None:
    """The file with each such layer written out; None if it has none.

    Raises:
        BadCheckpoint: it is no ONNX file.
    """
    parts = list(fields(memoryview(model)))
    if LAYER.encode() not in model or max(map(_opset, parts), default=0) > _LAST_OPSET:
        return None
    return b"".join(
        block(_MODEL_GRAPH, _graph(part.content))
        if part.number == _MODEL_GRAPH and part.content
        else bytes(part.raw)
        for part in parts
    )


def _opset(part: Field) -> int:
    """The version of ONNX's own operators, if this is what the field says; else 0."""
    if part.number != _MODEL_OPSET or part.content is None:
        return 0
    named = list(fields(part.content))
    own = all(text(one.content) in {"", "ai.onnx"} for one in named if one.number == 1)
    return max((one.value for one in named if one.number == 2 and own), default=0)


def _graph(graph: memoryview) -> bytes:
    out = [piece for index, part in enumerate(fields(graph)) for piece in _pieces(part, index)]
    value = np.array(1e-9, "<f4").tobytes()
    return b"".join(out) + block(_GRAPH_TENSOR, number(2, _FLOAT) + block(8, _EPSILON) + block(9, value))


def _pieces(part: Field, index: int) -> Iterator[bytes]:
    """A field of a graph, or the nodes that take the place of one."""
    if part.number != _GRAPH_NODE or part.content is None:
        yield bytes(part.raw)
        return
    node = list(fields(part.content))
    if not any(one.number == _NODE_KIND and text(one.content) == LAYER for one in node):
        yield bytes(part.raw)
        return
    x, y = _only(node, _NODE_INPUT), _only(node, _NODE_OUTPUT)
    axes = next((bytes(one.raw) for one in node if one.number == _NODE_ATTRIBUTE), _axes(_DEFAULT_AXES))
    mean, apart, square, spread, root, length = (f"sightline_{index}_{step}" for step in range(6))
    yield _node("ReduceMean", [x], mean, axes)
    yield _node("Sub", [x, mean], apart)
    yield _node("Mul", [apart, apart], square)
    yield _node("ReduceMean", [square], spread, axes)
    yield _node("Sqrt", [spread], root)
    yield _node("Add", [root, _EPSILON], length)
    yield _node("Div", [apart, length], y)


def _only(node: Sequence[Field], number_: int) -> str:
    """The one name that a node has in a field. Raises BadCheckpoint."""
    names = [text(one.content) for one in node if one.number == number_]
    if len(names) != 1:
        raise BadCheckpoint(f"not an ONNX file: {LAYER} has one input and one output")
    return names[0]


def _node(kind: str, inputs: Sequence[str], output: str, attributes: bytes = b"") -> bytes:
    named = b"".join(block(_NODE_INPUT, name) for name in inputs) + block(_NODE_OUTPUT, output)
    return block(_GRAPH_NODE, named + block(_NODE_KIND, kind) + attributes)


def _axes(values: Sequence[int]) -> bytes:
    held = b"".join(number(8, value) for value in values)
    return block(_NODE_ATTRIBUTE, block(1, "axes") + held + number(20, _INTS))
