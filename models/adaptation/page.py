"""The page."""

from pathlib import Path

from models.adaptation.gate import Seen
from models.adaptation.gathering import Gathered
from models.adaptation.result import Result
from models.adaptation.state import State


def write_page(
    path: Path, name: str, result: Result, gathered: Gathered, state: State, before: Seen, after: Seen
) -> None:
    """Write the page."""
    path.write_text(name)
