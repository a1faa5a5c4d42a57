"""Requests to the API, made from its description: a value for every schema, and the ids of what there is.

An id is a reference such as `${probe_id}`, filled in when a request is made, with what answers named before.
"""

import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final

from tests.fuzz.mutate import Shake

Json = dict[str, Any]

KEYS: Final = (
    "all",
    "all",
    "all",
    "limited",
    "limited",
    "search",
    "view",
    "review",
    "index",
    "administer",
    "audit",
    "other",
    "ended",
    "wrong",
    "none",
)
# What may stand where a name or an id is asked for.
KNOWN: Final[Mapping[str, Sequence[Any]]] = {
    "camera": ("gate", "roof", "vault-7731", "nowhere"),
    "cameras": ("gate", "roof", "vault-7731"),
    "sites": ("north", "bunker-7731"),
    "name": ("gate", "roof", "vault-7731", "shed", "colour-histogram"),
    "model": ("colour-histogram",),
    "path": ("gate.mp4", "footage-7731.mp4", "../gate.mp4", "/etc/passwd", "."),
    "url": ("https://example.org/hook", "http://127.0.0.1/", "https://user@example.org/"),
    "time_zone": ("Europe/Berlin", "UTC", "Mars/Olympus"),
    "recordings": ("${video_id}", "${video_id:1}"),
    "tracklets": ("${tracklet_id}", "${tracklet_id:1}"),
    "cases": ("${case_id}",),
    "leave_out": ("${tracklet_id}",),
    "plan_sha256": ("${plan_sha256}",),
    "cursor": ("${next_cursor}",),
    "before": ("${next_before}", 3, 0),
    "change": (1, 2, 99),
    "subject_id": ("${search_id}", "${probe_id}"),
    "recording": ("${video_id}",),
    "case": ("${case_id}",),
    "tracklet": ("${tracklet_id}",),
    "action": ("search", "erasure", "key.refuse"),
}
TIMES: Final = (
    "2026-03-01T12:00:00Z",
    "2026-03-01T12:00:03+00:00",
    "2026-03-01T23:00:00+14:00",
    "1970-01-01T00:00:00Z",
    "2199-12-31T23:59:59Z",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
)
PHOTOS: Final = ("red", "red", "green", "nobody", "broken")


class Maker:
    """Makes requests.

    Args:
        document: the OpenAPI description.
        random_: where chance comes from.
    """

    def __init__(self, document: Json, random_: random.Random) -> None:
        self._schemas = document["components"]["schemas"]
        self._random = random_
        self._operations = [
            (method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        ]

    def request(self, shake: Shake) -> Json:
        """Any request: of the right form mostly, and now and then changed."""
        method, path, operation = self._random.choice(self._operations)
        step: Json = {"key": self._random.choice(KEYS), "operation": operation["operationId"]}
        query, headers = {}, {}
        for one in operation.get("parameters", ()):
            name, where = one["name"], one["in"]
            if where == "path":
                path = path.replace(f"{{{name}}}", f"{self.value(one['schema'], name)}")
            elif where == "query" and (one.get("required") or self._random.random() < 0.4):
                query[name] = self.value(one["schema"], name)
            elif where == "header" and self._random.random() < 0.1:
                headers[name] = shake.random.choice(("theft", "%C3%A4", "%FF", "a\tb", "x" * 2000, ""))
        step |= {"method": method.upper(), "path": path, "query": query, "headers": headers}
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            step |= self._body(kind, content["schema"])
        return self.shaken(step, shake)

    def shaken(self, step: Json, shake: Shake) -> Json:
        """A request with something changed, three times of ten."""
        chance = self._random.random()
        if chance < 0.2 and "json" in step:
            step = {**step, "json": shake.document(step["json"])}
        elif chance < 0.23:
            body = json.dumps(step.pop("json", {})).encode()
            step["raw"] = shake.havoc(body).decode("latin-1")
        elif chance < 0.26:
            step["path"] = shake.havoc(step["path"].encode()).decode("latin-1")
        elif chance < 0.3:
            step["query"] = {
                **step.get("query", {}),
                self._random.choice(("limit", "cursor", "x")): shake.value(),
            }
        return step

    def value(self, schema: Json, name: str = "", depth: int = 0) -> Any:
        """A value of a schema; `name` is what it is called where it stands."""
        plain = schema.get("type") not in {"array", "object"} and "$ref" not in schema
        if name in KNOWN and plain and ("anyOf" not in schema or self._random.random() < 0.8):
            return self._random.choice(KNOWN[name])
        if name.endswith("_id"):
            return f"${{{name}}}" if self._random.random() < 0.9 else f"${{{name}:1}}"
        if "$ref" in schema:
            return self.value(self._schemas[schema["$ref"].rpartition("/")[2]], name, depth + 1)
        for several in ("anyOf", "oneOf"):
            if several in schema:
                return self.value(self._random.choice(schema[several]), name, depth + 1)
        if "enum" in schema:
            return self._random.choice(schema["enum"])
        if "const" in schema:
            return schema["const"]
        return self._typed(schema, name, depth)

    def _typed(self, schema: Json, name: str, depth: int) -> Any:
        kind = schema.get("type")
        if kind == "object":
            return self._object(schema, depth)
        if kind == "array":
            if "prefixItems" in schema:
                return [self.value(one, name, depth + 1) for one in schema["prefixItems"]]
            least = schema.get("minItems", 0)
            count = min(least + self._random.choice((0, 1, 1, 2)), schema.get("maxItems", 9))
            return [self.value(schema["items"], name, depth + 1) for _ in range(count)]
        if kind == "integer":
            low, high = schema.get("minimum", 0), schema.get("maximum", 50)
            return self._random.choice(
                (int(low), int(high), self._random.randint(int(low), max(int(low), int(high))))
            )
        if kind == "number":
            return self._random.choice((0, 0.25, 0.5, 1, 40.5, 100, -3, 1e6))
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind == "null":
            return None
        return self._text(schema)

    def _object(self, schema: Json, depth: int) -> Json:
        required = schema.get("required", ())
        likely = 0.15 if len(schema.get("properties", {})) > 5 else 0.5
        return {
            name: self.value(one, name, depth + 1)
            for name, one in schema.get("properties", {}).items()
            if name in required or self._random.random() < likely
        }

    def _text(self, schema: Json) -> str:
        if schema.get("format") == "date-time":
            return self._random.choice(TIMES)
        if "pattern" in schema:
            return "${plan_sha256}"
        texts = ("x", "two words", "Ä" * 30, "e\u0301", "%s{}", "<b>", "\u202e", "=1+1")
        return self._random.choice(texts)[: schema.get("maxLength", 100)]

    def _body(self, kind: str, schema: Json) -> Json:
        if kind == "application/json":
            return {"json": self.value(schema)}
        if kind == "multipart/form-data":
            query = self.value({"$ref": "x/SearchQuery"}) if "query" in json.dumps(schema) else None
            return {"photo": self._random.choice(PHOTOS), **({"form": query} if query is not None else {})}
        return {"raw": "film" * self._random.choice((0, 1, 300))}
