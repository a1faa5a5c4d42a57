"""The page names all its modules at once, and has words for whatever the service writes into the trail."""

import ast
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
WEB = ROOT / "service" / "web"
IMPORT = re.compile(r'^(?:import|export)\s(?:[^;]*?\sfrom\s+)?"\./([^"]+)"', re.MULTILINE)


def imported_by(module: str) -> set[str]:
    """All modules that one imports, directly or through others."""
    found: set[str] = set()
    new = {module}
    while new:
        found |= new
        new = {
            name for one in new for name in IMPORT.findall((WEB / "js" / one).read_text(encoding="utf-8"))
        } - found
    return found


def test_every_module_but_the_other_language_is_named_in_the_head() -> None:
    page = (WEB / "index.html").read_text(encoding="utf-8")
    named = re.findall(r'<link rel="modulepreload" href="/web/js/([^"]+)">', page)
    assert sorted(set(named)) == named
    assert {*named, "main.js"} == imported_by("main.js")
    assert {file.name for file in (WEB / "js").glob("*.js")} - {*named, "main.js"} == {"strings.de.js"}


def block(words: str, begin: str) -> set[str]:
    """The keys of an object of a file of words, one a line."""
    start = words.index(begin)
    return set(
        re.findall(r'^ {6}"?([a-z_.]+)"?:', words[start : words.index("\n    },", start)], re.MULTILINE)
    )


def test_every_action_of_the_audit_trail_has_words() -> None:
    """Actions are written out where they are recorded: `kind.verb`, of a kind that the page knows."""
    words = (WEB / "js" / "strings.js").read_text(encoding="utf-8")
    kinds = block(words, '    kinds: {\n      search: "Searches",')
    elsewhere = {
        "gallery/__init__.py",
        "gallery/jobs/outbox.py",
    }  # modules; what webhooks are told
    written = {
        node.value
        for folder in ("gallery", "service", "indexer", "sightline")
        for file in (ROOT / folder).rglob("*.py")
        if file.relative_to(ROOT).as_posix() not in elsewhere
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    actions = {
        one
        for one in written
        if re.fullmatch(r"[a-z]+\.[a-z_]+", one)
        and one.partition(".")[0] in kinds
        and not one.endswith((".id", ".name", ".json", ".html"))
    }
    assert {"case.journey", "job.file", "mark.confirm"} <= actions
    assert actions - block(words, "    actions: {") == set()
