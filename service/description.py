"""The API's description as an OpenAPI document."""

import json
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from gallery import Scope
from service.problems import Problem, declared
from service.reasons import LOOKS
from service.schemas import PhotoSearch, SearchRequest
from service.scopes import NEEDED, WHOLE_GALLERY

_DESCRIPTION = """\
Find a person in recorded video from one photo: upload a photo as a probe, choose a person on it, search,
watch the clips. Every request under /v1 needs an API key. Every error is a problem document after RFC 9457.
"""
# Used in answers and bodies that FastAPI does not see.
_EXTRA = (Problem, SearchRequest, PhotoSearch)


def describe(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title="Sightline",
            version="1",  # of the API, as in its paths
            summary="Find a person in recorded video from one photo",
            description=_DESCRIPTION,
            routes=app.routes,
        )
        _say_scopes(document)
        _say_reasons(document)
        _say_pace(document)
        _, extra = models_json_schema(
            [(model, "validation") for model in _EXTRA], ref_template="#/components/schemas/{model}"
        )
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.update(extra["$defs"])
        # Nothing answers with them: validation errors are problem documents too.
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        app.openapi_schema = document
    return app.openapi_schema


def _say_scopes(document: dict[str, Any]) -> None:
    """Add to each operation's description what its key needs."""
    for methods in document["paths"].values():
        for operation in methods.values():
            if needed := NEEDED.get(operation["operationId"]):
                names = " or ".join(f"`{scope.value}`" for scope in Scope if scope in needed)
                seeing = " that sees all cameras" if operation["operationId"] in WHOLE_GALLERY else ""
                said = f"Needs a key{seeing} with the scope {names}."
                operation["description"] = "\n\n".join(filter(None, (operation.get("description"), said)))


def _say_reasons(document: dict[str, Any]) -> None:
    """Add to each operation that may ask why how it refuses."""
    refusal = {"428": declared(428)[428]}
    for methods in document["paths"].values():
        for operation in methods.values():
            if operation["operationId"] in LOOKS:
                answers = operation["responses"] | refusal
                operation["responses"] = dict(sorted(answers.items()))


def _say_pace(document: dict[str, Any]) -> None:
    """Add to each operation with a body that one may come too slowly."""
    refusal = {"408": declared(408)[408]}
    for methods in document["paths"].values():
        for operation in methods.values():
            if "requestBody" in operation:
                operation["responses"] = dict(sorted((operation["responses"] | refusal).items()))


def text(app: FastAPI) -> str:
    """The document as it is committed."""
    return json.dumps(describe(app), indent=2, ensure_ascii=False) + "\n"
