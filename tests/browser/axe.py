"""What axe finds wrong with a page: WCAG 2.2 at levels A and AA.

Behind an open dialog nothing can be reached: then only the dialog is looked at.
"""

import importlib
import os

import pytest
from playwright.sync_api import Page

STANDARDS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
# What depends on width.
NARROW = ["target-size", "scrollable-region-focusable"]
RUN = """([kind, values]) => axe.run(
  {
    include: document.querySelector("dialog[open]") ?? document,
    exclude: "#hits .card:nth-child(n + 5)", // of many hits that are alike, the first tell
  },
  {
    resultTypes: ["violations"],
    runOnly: { type: kind, values },
    rules: { "target-size": { enabled: true } },
  },
).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
  nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)} ${failureSummary}`)))"""


def violations(page: Page, *, narrow: bool = False) -> list[str]:
    """Each violation on the page as it is now, in words; `narrow`: only what depends on its width.

    Without axe the test is skipped, in continuous integration it fails.
    """
    if os.environ.get("CI") == "true":
        importlib.import_module("axe_playwright_python")
    axe = pytest.importorskip("axe_playwright_python.sync_playwright")
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(axe.Axe().axe_script)
    found: list[str] = page.evaluate(RUN, ["rule", NARROW] if narrow else ["tag", STANDARDS])
    return found
