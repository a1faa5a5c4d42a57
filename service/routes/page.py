"""The web page: plain files; what it shows, it gets from the API with the visitor's key."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

WEB: Final = Path(__file__).parent.parent / "web"
router = APIRouter(include_in_schema=False)
files: Final = StaticFiles(directory=WEB, check_dir=False)


@router.get("/")
def index(request: Request) -> FileResponse:
    """The page itself, which learns from the browser's own header whether another site led here.

    Scripts cannot read that header of a navigation, but this one of the answer.
    """
    elsewhere = request.headers.get("sec-fetch-site") in {"cross-site", "same-site"}
    return FileResponse(WEB / "index.html", headers={"Server-Timing": "elsewhere"} if elsewhere else None)
