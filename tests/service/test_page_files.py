"""The files of the page: as they are on disk, packed for those who can unpack, and nothing else."""

import gzip
import os
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from service.page_files import PageFiles

SCRIPT = "// words, words, words\n" * 40


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    web = tmp_path / "web"
    (web / "js").mkdir(parents=True)
    (web / "js" / "main.js").write_text(SCRIPT)
    (web / "icon.svg").write_text("<svg/>")
    (web / "notes.txt").write_text("not of the page")
    (tmp_path / "secret.js").write_text("secret")
    return web


@pytest.fixture
def client(folder: Path) -> TestClient:
    return TestClient(Starlette(routes=[Mount("/web", PageFiles(folder))]))


@pytest.mark.parametrize(
    ("asked", "packed"),
    [
        ("gzip, br", True),
        ("br, GZIP;q=0.5", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("xgzip, gzipx", False),
        ("", False),
    ],
)
def test_is_packed_for_who_asks(client: TestClient, asked: str, packed: bool) -> None:
    with client.stream("GET", "/web/js/main.js", headers={"Accept-Encoding": asked}) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert (gzip.decompress(raw) if packed else raw).decode() == SCRIPT
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["vary"] == "Accept-Encoding"


def test_what_the_browser_has_is_not_sent_until_it_changes(client: TestClient, folder: Path) -> None:
    first = client.get("/web/icon.svg")
    tag = first.headers["etag"]
    again = client.get("/web/icon.svg", headers={"If-None-Match": f'"other", {tag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    (folder / "icon.svg").write_text("<svg>2</svg>")
    os.utime(folder / "icon.svg", (1, 1))
    changed = client.get("/web/icon.svg", headers={"If-None-Match": tag})
    assert (changed.status_code, changed.text) == (200, "<svg>2</svg>")
    (folder / "icon.svg").unlink()
    assert client.get("/web/icon.svg").status_code == 404


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/js",
        "/js/",
        "/notes.txt",
        "/../secret.js",
        "/%2e%2e/secret.js",
        "/js/%2e%2e%2f%2e%2e%2fsecret.js",
        "/js/..%5c..%5csecret.js",
        "/js/main.js%00",
        "//etc/passwd",
        "/" + "a" * 5000,
        "/%F0%9F%92%A9.js",
    ],
)
def test_nothing_else_is_there(client: TestClient, path: str) -> None:
    assert client.get(f"/web{path}").status_code == 404


def test_is_only_read(client: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "OPTIONS", "FOO"):
        answer = client.request(method, "/web/js/main.js")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
