"""Which files beside an ONNX file hold its weights, read from its protobuf (onnx.proto) without onnx.

A tensor with external data names a file by its path from the ONNX file. Only names of files in the same
folder are followed: a path that leads elsewhere could make a model of anything that this user may read.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from models.errors import BadCheckpoint
from models.imported.protobuf import fields, text

# Numbers of the fields that lead to tensors, by message: what they hold.
_FIELDS: Final[Mapping[str, Mapping[int, str]]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {13: "entry"},
}
_DEEPEST: Final = 64  # graphs in graphs


def external_files(model: bytes) -> list[str]:
    """Names of the files beside it that an ONNX file takes weights from, in the order of the alphabet.

    Raises:
        BadCheckpoint: it is no protobuf, or names what does not lie in its own folder.
    """
    found = sorted(set(_locations(memoryview(model), "model", 0)))
    for name in found:
        if "/" in name or "\\" in name or name in {"", ".", ".."} or "\0" in name:
            raise BadCheckpoint(f"its weights are said to lie in {name!r}: they must lie beside the file")
    return found


def _locations(data: memoryview, message: str, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        raise BadCheckpoint("not an ONNX file that can be run: its graphs are nested too deep")
    for field in fields(data):
        inner = _FIELDS[message].get(field.number)
        if inner is None or field.content is None:
            continue
        if inner == "entry":
            entry = {part.number: text(part.content) for part in fields(field.content)}
            if entry.get(1) == "location":
                yield entry.get(2, "")
        else:
            yield from _locations(field.content, inner, depth + 1)
