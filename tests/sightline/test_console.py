"""Text from outside is shown as it is, on every terminal."""

import csv
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gallery import Gallery, GallerySettings
from indexer.progress import ConsoleProgress
from sightline.console import PlainConsole, print_csv, print_json, print_table
from tests.sightline.conftest import Run

ROOT = Path(__file__).parents[2]
NAMES = ["Gate [north]", "[bold]hall", "stairs [i]", "dock :smile:", "門 東口"]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_of_a_camera_is_shown_as_it_is(
    run: Run, sqlite_settings: GallerySettings, name: str
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        gallery.catalogue.add_camera(name)

    assert name in run("cameras").output
    assert run("videos", "--camera", name).exit_code == 0


@pytest.mark.parametrize("name", NAMES)
def test_messages_and_bars_show_text_as_it_is(name: str) -> None:
    shown = io.StringIO()
    console = PlainConsole(file=shown, width=200)

    console.print(f"{name} is erased.")
    with ConsoleProgress(console) as bars:
        bars.of(name)

    assert shown.getvalue().count(name) == 2


def test_nothing_that_is_shown_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([{"name": "a\x1b[2Jb\nc\u202e"}])

    assert r"a\x1b[2Jb\nc\u202e" in capsys.readouterr().out


def strictly(*arguments: str | bytes, data_dir: Path) -> subprocess.CompletedProcess[str]:
    """Run a command where ASCII is all that can be shown."""
    return subprocess.run(
        [sys.executable, "-m", "sightline", *arguments, "--data-dir", str(data_dir)],
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "ascii:strict"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(("form", "shown"), [([], r"\u9580 [1]"), (["--json"], r"\u9580 [1]")])
def test_a_terminal_without_the_characters_gets_escapes(
    sqlite_settings: GallerySettings, form: list[str], shown: str
) -> None:
    with Gallery.open(sqlite_settings) as gallery:
        gallery.catalogue.add_camera("門 [1]")

    result = strictly("cameras", *form, data_dir=sqlite_settings.data_dir)

    assert (result.returncode, result.stderr) == (0, "")
    assert shown in result.stdout


def test_a_name_that_is_not_utf8_is_said_in_one_line(sqlite_settings: GallerySettings) -> None:
    result = strictly("search", b"caf\xe9.jpg", data_dir=sqlite_settings.data_dir)

    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert r"caf\xe9.jpg" in result.stderr


def test_json_keeps_what_the_terminal_can_show(capsys: pytest.CaptureFixture[str]) -> None:
    print_json({"name": "門"})
    print_json({"name": "caf\udce9"})

    assert capsys.readouterr().out.split() == [
        "{",
        '"name":',
        '"門"',
        "}",
        "{",
        '"name":',
        r'"caf\udce9"',
        "}",
    ]


def test_csv_holds_no_formulas(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv(
        [{"camera": '=HYPERLINK("http://x")', "score": -0.5, "file": "a,b"}], ["camera", "score", "file"]
    )

    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row == {"camera": '\'=HYPERLINK("http://x")', "score": "-0.5", "file": "a,b"}


def test_csv_gives_a_terminal_no_commands(capsys: pytest.CaptureFixture[str]) -> None:
    print_csv([{"file": "\x1b[31mred\nb.mp4"}], ["file"])

    assert capsys.readouterr().out == "file\n\\x1b[31mred\\nb.mp4\n"


def test_numbers_stand_under_each_other_though_the_first_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(
        [{"file": "a", "tracklets": None}, {"file": "b", "tracklets": 12}, {"file": "c", "tracklets": 3}]
    )

    *_, twelve, three = capsys.readouterr().out.rstrip().splitlines()
    assert twelve.rstrip().endswith("12")
    assert three.rstrip().endswith(" 3")
    assert len(twelve.rstrip()) == len(three.rstrip())
