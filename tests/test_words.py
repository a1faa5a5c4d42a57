"""Plain English: phrases that stop a reader, each with what to write instead."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ENDINGS = {".md", ".py", ".js", ".html", ".css", ".yaml", ".yml", ".sh", ".toml"}

# Literal translations, and words that the field does not use for what is meant.
INSTEAD = {
    r"not to be had|was to be had": "not available",
    r"\bwhoever\b": "the caller, the next worker, any person: name who it is",
    r"\bno such thing\b": "it does not exist",
    r"\bnot from there\b": "say what is wrong with the place",
    r"\bbut for (its|the|their|rounding|near)\b": "except for; up to rounding",
    r"\b(makes?|is) no sense\b": "invalid",
    r"\bno step more\b": "stop training",
    r"\bof today\b": "current",
    r"\bfor want of\b": "for lack of",
    r"\bwithout end\b": "endless",
    r"contradicts what is recorded": "conflicts with what is recorded",
    r"camera in the hand": "hand-held",
    r"has come to\b": "current",
}


def texts() -> list[Path]:
    folders = [".", ".github", "benchmarks", "docs", "gallery", "indexer", "migrations", "models", "samples"]
    folders += ["scripts", "service", "sightline", "simulation", "tests"]
    files = {
        file
        for folder in folders
        for file in (ROOT.glob("*") if folder == "." else (ROOT / folder).rglob("*"))
        if file.suffix in ENDINGS and file.is_file()
    }
    return sorted(files - {Path(__file__)})


@pytest.mark.parametrize(("phrase", "instead"), INSTEAD.items(), ids=list(INSTEAD.values()))
def test_nothing_is_said_in_words_that_stop_a_reader(phrase: str, instead: str) -> None:
    """A line break or the comment sign of a next line may stand between two words."""
    spread = re.compile(phrase.replace(" ", r"(?:\s+(?://|#|\*)?\s*)"), flags=re.IGNORECASE)
    found = [
        f"{file.relative_to(ROOT)}: {' '.join(match.group().split())}"
        for file in texts()
        for match in spread.finditer(file.read_text(encoding="utf-8"))
    ]

    assert found == [], f"write: {instead}"


# A person's pixels in a data set are a crop, a drawing of figures is a plot, and what has pixels is an image.
PICTURELESS = ("adaptation", "datasets", "detectors", "evaluation", "networks", "training")


@pytest.mark.parametrize("package", PICTURELESS)
def test_crops_plots_and_images_are_called_by_their_names(package: str) -> None:
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for file in texts()
        if file.is_relative_to(ROOT / "models" / package)
        for line in file.read_text(encoding="utf-8").splitlines()
        if "picture" in line.lower()
    ]

    assert found == []
