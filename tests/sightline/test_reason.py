"""`sightline --purpose ... --case-number ... COMMAND`: it stands in the events, and can be required."""

from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from gallery.reason import current
from sightline.client import Client
from tests.sightline.conftest import Run


def test_a_command_says_why_it_looks(
    run: Run, sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("--purpose", "Missing child", "searches", "list").exit_code == 0
    monkeypatch.setenv("SIGHTLINE_CASE_NUMBER", "2026/7")
    assert run("searches", "list").exit_code == 0

    with Gallery.open(sqlite_settings) as gallery:
        reasons = [event.detail.get("reason") for event in gallery.audit.events(action="search.list")]
    assert reasons == [{"case_number": "2026/7"}, {"purpose": "Missing child"}]
    assert current().purpose is None, "it ends with its command"
    wrong = run("--purpose", "a\x1b[2J", "searches", "list")
    assert (wrong.exit_code, "do not show" in wrong.output) == (2, True)


@pytest.mark.parametrize(
    "command",
    [
        ("search", "photo.png"),
        ("refine", "x"),
        ("searches", "list"),
        ("marks", "list", "x"),
        ("cases", "list"),
        ("evidence", "x", "--output", "x.zip"),
        ("erase", "--camera", "gate", "--dry-run"),
    ],
)
def test_what_shows_people_needs_a_reason_where_it_is_required(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("photo.png").write_bytes(b"")
    monkeypatch.setenv("SIGHTLINE_REQUIRE_PURPOSE", "true")
    monkeypatch.setenv("SIGHTLINE_REQUIRE_CASE_NUMBER", "true")

    refused = run("--case-number", "7", *command)

    assert refused.exit_code == 2
    assert "looks at people must say why here" in " ".join(refused.output.split())
    assert "--purpose ... COMMAND" in " ".join(refused.output.split())
    assert "--case-number" not in refused.output
    assert run("cameras").exit_code == 0
    assert run(command[0], "--help").exit_code == 0


def test_a_client_of_the_service_passes_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    from gallery import because

    with because("Missing child \u9580", "2026/7"):
        assert Client("http://127.0.0.1:1", None)._headers == {
            "X-Purpose": "Missing%20child%20%E9%96%80",
            "X-Case-Number": "2026/7",
        }
