"""The web page: plain files; what it shows, it gets from the API with the visitor's key."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.page_files import PageFiles

WEB: Final = Path(__file__).parent.parent / "web"
router = APIRouter(include_in_schema=False)
files: Final = PageFiles(WEB)


@router.get("/")
async def index(request: Request) -> Response:
    """The page itself, which learns from the browser's own header whether another site led here.

    Scripts cannot read that header of a navigation, but this one of the answer.
    """
    answer = files.answer("index.html", request.headers)
    if request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}:
        answer.headers["Server-Timing"] = "elsewhere"
    return answer
