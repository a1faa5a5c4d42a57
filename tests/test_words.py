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


# What the page calls a thing, in both of its languages; names of the API (`video_id`, `tracklet_id`) stay in
# code. docs/architecture.md has the words; the cards of models are for those who know theirs.
PLAINLY = "say what it means to somebody with a photo"
ONE_NAME = {
    "strings.js": {
        r"\bvideos?\b|\bfootage\b": "recording",
        r"\btracklets?\b": "hit, in a list of results; sighting",
        r"\b(best|credible|as a) match": "hit",
        r"\bsnapshots?\b|\bsegments?\b|\bvectors?\b|\bembed\w*|\bbackbones?\b|\bfeatures?\b": "index",
        r"\bcosine\b|\bstandard deviations?\b|\bcalibrated\b": PLAINLY,
        r"\bsomebody else\b": "someone else",
    },
    "strings.de.js": {
        r"\bvideos?\b|\bvideomaterial\b": "Aufnahme",
        r"\btracklets?\b": "Treffer, Sichtung",
        r"\bsnapshots?\b|\bsegmente?n?\b|\w*vektor(en)?\b|\w*einbett\w*|\bbackbones?\b": "Index",
        r"\bkosinus\w*|\bstandardabweichung(en)?\b|\bkalibriert\b": PLAINLY,
        r"\bjemand anderes\b": "jemand anders",
        r"indizier": "indexieren",
    },
}
RESEARCH = re.compile(r"ranked: \{[^}]*\}")  # how a model was measured, on its card


def said(source: str) -> list[str]:
    """The words of a file of strings: its literals, without names of keys and without what is put in."""
    found, word, quotes = [], "", list[str]()
    position = 0
    while position < len(source):
        char = source[position]
        inside = quotes[-1] if quotes else "}"
        if inside == "}":  # code
            if source.startswith("//", position):
                position = source.index("\n", position)
            elif char in '"`{':
                quotes.append("}" if char == "{" else char)
                word = ""
            elif char == "}":
                quotes.pop()
                word = ""
        elif source.startswith("${", position) and inside == "`":
            found.append(word)
            quotes.append("}")
            position += 1
        elif char == inside:
            quotes.pop()
            if not source.startswith(":", position + 1):  # the name of a key
                found.append(word)
            word = ""
        else:
            word += char
        position += 1
    return [one for one in found if one.strip()]


def test_the_words_of_the_page_are_found_whatever_stands_around_them() -> None:
    source = """a: "one", "key.of": (video) => `two ${video === 1 ? "three" : `four ${video}`} five`, // six
    b: {c: "7"}"""

    assert said(source) == ["one", "two ", "three", "four ", " five", "7"]


def test_the_guide_to_answers_has_the_words_for_probabilities_that_the_page_has() -> None:
    source = (ROOT / "service" / "web" / "js" / "strings.js").read_text(encoding="utf-8")
    scale = (ROOT / "service" / "web" / "js" / "format.js").read_text(encoding="utf-8")
    [likely] = re.findall(r"const LIKELY = \[(.*)\]", source)
    [limits] = re.findall(r"LIKELY_FROM = \[(.*)\]", scale)
    words, least = re.findall(r'"(.*?)"', likely)[::-1], [int(one) for one in limits.split(", ")][::-1]

    table = re.findall(
        r"^\| (.*\d %.*) \| (.*ly.*|roughly even) \|$", (ROOT / "docs" / "answers.md").read_text(), re.M
    )

    assert [word for _, word in table] == words
    assert [int(re.findall(r"\d+", span)[0]) for span, _ in table] == [*least, least[-1]]


@pytest.mark.parametrize("file", ONE_NAME)
def test_the_page_has_one_name_a_thing(file: str) -> None:
    source = (ROOT / "service" / "web" / "js" / file).read_text(encoding="utf-8")
    words = said(RESEARCH.sub("", source))
    assert len(words) > 700

    wrong = [
        f"{text.strip()}: write {instead}"
        for phrase, instead in ONE_NAME[file].items()
        for text in words
        if re.search(phrase, text, flags=re.IGNORECASE)
    ]

    assert wrong == []
