"""`sightline simulate`: presets by name, and one line when something is missing."""

import importlib.util
from pathlib import Path

import pytest

from tests.sightline.conftest import Run


def test_an_unknown_preset_is_one_line_that_names_the_known(run: Run) -> None:
    result = run("simulate", "recordings", "--preset", "huge")

    assert result.exit_code == 2
    assert "sample, tiny" in result.stderr


def test_without_the_extra_one_line_says_what_to_install(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)

    result = run("simulate", "tracklets")

    assert result.exit_code == 2
    assert "[simulation]" in result.stderr


def test_without_the_graphics_library_one_line_says_what_to_install(
    run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import moderngl

    def missing(**_: object) -> None:
        raise Exception("libEGL.so not loaded")  # noqa: TRY002  (that is what moderngl raises)

    monkeypatch.setattr(moderngl, "create_context", missing)

    result = run(
        "simulate", "recordings", "--preset", "tiny", "--out", str(tmp_path / "out"), "--processes", "1"
    )

    assert result.exit_code == 2
    assert "libegl1" in result.stderr


def test_a_folder_of_another_world_is_refused(run: Run, tmp_path: Path) -> None:
    (tmp_path / ".recipe.json").write_text("{}")

    result = run("simulate", "recordings", "--preset", "tiny", "--out", str(tmp_path))

    assert result.exit_code == 2
    assert "choose another folder" in result.stderr


@pytest.mark.long
def test_people_are_previewed(run: Run, tmp_path: Path) -> None:
    picture = tmp_path / "people.png"
    arguments = ["--preset", "tiny", "--out", str(tmp_path / "out"), "--identities", "1"]

    result = run("simulate", "recordings", *arguments, "--processes", "1", "--preview", str(picture))

    assert result.exit_code == 0, result.output
    assert picture.stat().st_size > 1000
    assert (tmp_path / "out" / "world.json").exists()
