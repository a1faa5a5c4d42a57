"""The documentation says what the program does: commands, options, settings, version, examples."""

import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings
from typer.main import get_command

from gallery import NoticeCode
from models.datasets import READERS
from sightline.main import app
from sightline.variables import kinds

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("benchmarks/*.md")])


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command as typed, with its long options."""
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", {})
        for full_name, leaf in [(f"{name} {n}", c) for n, c in inner.items()] or [(name, command)]:
            options = [o for p in leaf.params for o in p.opts if o.startswith("--") and o != "--help"]
            yield full_name, options


def section(page: str, heading: str) -> str:
    """What stands under a heading, down to the next one of any level."""
    _, _, rest = page.partition(f"# {heading}\n")
    return rest.partition("\n#")[0]


@pytest.mark.parametrize(("name", "options"), list(commands()))
def test_every_command_and_option_is_documented(name: str, options: list[str]) -> None:
    documented = section(text("docs/commands.md"), f"sightline {name}")
    common = {"--data-dir", "--json"}

    assert documented.strip(), f"docs/commands.md has no section for `sightline {name}`"
    assert [option for option in options if option not in common and option not in documented] == []


def test_no_command_is_documented_that_does_not_exist() -> None:
    headings = re.findall(r"^#+ sightline (.+)$", text("docs/commands.md"), flags=re.MULTILINE)

    groups = {
        "audit",
        "cameras",
        "cases",
        "erasures",
        "groups",
        "holds",
        "jobs",
        "keys",
        "marks",
        "models",
        "retention",
        "searches",
        "videos",
        "webhooks",
    }  # a list by themselves, with commands below
    assert set(headings) - groups == {name for name, _ in commands()} - groups


@pytest.mark.parametrize("settings", kinds())
def test_every_setting_is_documented(settings: type[BaseSettings]) -> None:
    documented = text("docs/operations.md")
    prefix = settings.model_config["env_prefix"]
    names = [f"`{prefix}{name.upper()}`" for name in settings.model_fields]

    assert [name for name in names if name not in documented] == []


@pytest.mark.parametrize("settings", kinds())
def test_documented_defaults_are_those_of_the_program(settings: type[BaseSettings]) -> None:
    """Where the table gives defaults as code; some stand there in words, such as sizes."""
    prefix = settings.model_config["env_prefix"]
    defaults = {f"{prefix}{name.upper()}": field.default for name, field in settings.model_fields.items()}
    wrong = []
    for row in re.findall(
        r"^\| (`SIGHTLINE_[^|]*) \| ([^|]*) \|", text("docs/operations.md"), flags=re.MULTILINE
    ):
        names, values = (re.findall(r"`([^`]+)`", cell) for cell in row)
        for name, value in zip(names, values, strict=False):
            if name in defaults and value != re.sub(r"\.0$", "", str(defaults[name])).lower():
                wrong.append(f"{name}: {defaults[name]}")

    assert wrong == []


def test_no_setting_is_documented_that_does_not_exist() -> None:
    known = {
        f"{kind.model_config['env_prefix']}{name.upper()}" for kind in kinds() for name in kind.model_fields
    }
    of_compose = set(re.findall(r"SIGHTLINE_\w+", text("env.example")))
    of_options = {"SIGHTLINE_API_KEY", "SIGHTLINE_CASE_NUMBER", "SIGHTLINE_PURPOSE"}

    named = {
        name for page in PAGES for name in re.findall(r"SIGHTLINE_\w+", page.read_text(encoding="utf-8"))
    }

    assert {name for name in named - known - of_compose - of_options if not name.endswith("_")} == set()


def test_the_changelog_has_the_version_of_the_package() -> None:
    version = tomllib.loads(text("pyproject.toml"))["project"]["version"]
    releases = re.findall(r"^## \[(\d+\.\d+\.\d+)\]", text("CHANGELOG.md"), flags=re.MULTILINE)

    assert releases[0] == version


def test_every_example_names_commands_and_options_that_exist() -> None:
    known = dict(commands())
    seen = 0
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line, comments=True)
                if words[:1] != ["sightline"]:
                    continue
                name = next(n for n in (" ".join(words[1:3]), words[1]) if n in known)
                assert [w for w in words if w.startswith("--") and w not in known[name]] == [], (
                    f"{page}: {line}"
                )
                seen += 1
    assert seen > 5


def test_make_targets_in_the_documentation_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", text("Makefile"), flags=re.MULTILINE))
    named = {
        name for page in PAGES for name in re.findall(r"`make ([a-z-]+)", page.read_text(encoding="utf-8"))
    }

    assert named - targets == set()


def test_every_data_set_is_documented() -> None:
    assert set(re.findall(r"^\| `([^`]+)` \|", text("docs/datasets.md"), flags=re.MULTILINE)) == set(READERS)


def test_every_notice_is_documented_and_no_other() -> None:
    table = section(text("docs/answers.md"), "Is the photo any good?")
    cells = re.findall(r"^\| (`[^|]*) \|", table, flags=re.MULTILINE)
    named = {code for cell in cells for code in re.findall(r"`(\w+)`", cell)}

    assert named == set(NoticeCode)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short() -> None:
    assert len(text("README.md").splitlines()) < 150


def test_every_decision_is_in_the_index() -> None:
    index = text("docs/decisions/README.md")
    pages = [page.name for page in (ROOT / "docs/decisions").glob("[0-9]*.md")]

    assert [name for name in pages if f"({name})" not in index] == []


def test_every_benchmark_is_run_by_make_and_has_its_section() -> None:
    files = {file.name: text(f"benchmarks/{file.name}") for file in ROOT.glob("benchmarks/*.py")}
    scripts = [name for name, code in files.items() if '__name__ == "__main__"' in code]
    assert len(scripts) > 10

    assert [name for name in scripts if f"benchmarks/{name}" not in text("Makefile")] == []
    assert [name for name in scripts if f"benchmarks/{name}" not in text("benchmarks/README.md")] == []
