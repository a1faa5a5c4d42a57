"""`sightline cameras`: list, add, edit and delete."""

import json

from tests.sightline.conftest import Run


def names(run: Run) -> list[str]:
    return [camera["name"] for camera in json.loads(run("cameras", "--json").stdout)]


def test_cameras_are_added_edited_and_deleted(run: Run) -> None:
    added = run("cameras", "add", "gate", "--site", "north", "--time-zone", "Europe/Berlin")
    assert (added.exit_code, added.stdout) == (0, "Camera gate is added.\n")

    edited = run(
        "cameras",
        "edit",
        "gate",
        "--rename",
        "north gate",
        "--pixel-aspect",
        "1.5",
        "--clear",
        "site",
        "--json",
    )

    camera = json.loads(edited.stdout)
    assert (camera["name"], camera["site"], camera["time_zone"]) == ("north gate", None, "Europe/Berlin")
    assert camera["pixel_aspect"] == 1.5
    assert names(run) == ["north gate"]
    assert run("cameras", "delete", "north gate").exit_code == 0
    assert names(run) == []


def test_what_cannot_be_is_refused_in_a_line(run: Run) -> None:
    run("cameras", "add", "gate")
    for arguments, said in (
        (("add", "gate"), "there is a camera 'gate' already"),
        (("add", "x", "--time-zone", "Mars/Olympus"), "no time zone"),
        (("edit", "gate"), "nothing to change"),
        (("edit", "gate", "--clear", "colour"), "no setting 'colour'"),
        (("delete", "nobody"), "no camera 'nobody'"),
    ):
        result = run("cameras", *arguments)
        assert result.exit_code == 2
        assert said in result.stderr


def test_the_list_is_there_without_a_word_more(run: Run) -> None:
    run("cameras", "add", "gate")
    assert run("cameras").stdout == run("cameras", "list").stdout
    assert "gate" in run("cameras").stdout
