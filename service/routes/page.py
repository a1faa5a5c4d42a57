"""The web page: plain files; what it shows, it gets from the API with the visitor's key."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

WEB: Final = Path(__file__).parent.parent / "web"
router = APIRouter(include_in_schema=False)
files: Final = StaticFiles(directory=WEB, check_dir=False)


@router.get("/")
def index() -> FileResponse:
    """The page itself."""
    return FileResponse(WEB / "index.html")
