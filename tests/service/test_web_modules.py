"""The page names all its modules at once: the browser need not find them one import after the other."""

import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "service" / "web"
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
