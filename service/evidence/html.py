"""Markup made so that text from outside is never markup."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

STYLE: Final = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }
body { color: #111; background: #fff } h1 { font-size: 1.6rem }
h2 { font-size: 1.25rem; margin-top: 2.2rem; border-top: 1px solid #ccc; padding-top: 1rem }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 } td, th { border-bottom: 1px solid #ddd;
padding: .3rem .5rem; text-align: left; vertical-align: top; overflow-wrap: anywhere }
th { background: #f4f4f4 } code { font-size: .86em; overflow-wrap: anywhere }
img { max-width: 100%; max-height: 20rem } td img { max-height: 9rem } video { width: 20rem; max-width: 100% }
.flag { background: #fff0c2; padding: .1rem .3rem } .small { color: #444; font-size: .9em }
@media print { body { margin: 0; max-width: none } video { display: none } }
"""
# No script and nothing from elsewhere, whatever might have been smuggled into the text.
_POLICY: Final = "default-src 'none'; img-src 'self' file:; media-src 'self' file:; style-src 'unsafe-inline'"
_EMPTY: Final = frozenset({"img", "meta", "br"})


class Markup(str):
    """Text that is HTML already: made by `tag` only."""

    __slots__ = ()


Content = str | int | float | None | Iterable["Content"]


def markup(content: "Content") -> Markup:
    """Markup as it is, anything else as escaped text; None is nothing, and of several one after the other."""
    if isinstance(content, Markup):
        return content
    if content is None:
        return Markup()
    if isinstance(content, str | int | float):
        return Markup(escape(str(content)))
    return Markup("".join(markup(one) for one in content))


def tag(name: str, *children: Content, **attributes: str | None) -> Markup:
    """An element; `class_` is the attribute class, and None leaves an attribute out."""
    given = "".join(
        f' {key.rstrip("_")}="{escape(value)}"' for key, value in attributes.items() if value is not None
    )
    if name in _EMPTY:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{markup(children)}</{name}>\n")


def table(heads: Sequence[str], rows: Iterable[Sequence[Content]]) -> Markup:
    """A table; without rows a line that says so."""
    body = [tag("tr", *(tag("td", cell) for cell in row)) for row in rows]
    if not body:
        return tag("p", "None.")
    return tag("table", tag("thead", tag("tr", *(tag("th", head) for head in heads))), tag("tbody", body))


def page(title: str, *content: Content) -> bytes:
    """A whole page, which needs neither a network nor scripts."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        Markup(f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">'),
        tag("title", title),
        Markup(f"<style>{STYLE}</style>"),
    )
    text = Markup("<!doctype html>\n") + tag("html", head, tag("body", content), lang="en")
    return text.encode("utf-8", "backslashreplace")
