"""Parameters that several routes take."""

from typing import Annotated

from fastapi import Path, Query

SearchId = Annotated[str, Path(max_length=64, description="The search")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before")]
