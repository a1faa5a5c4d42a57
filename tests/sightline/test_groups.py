"""`sightline groups`, and keys that are limited to them."""

import json

from tests.sightline.conftest import Run


def test_groups_are_filled_and_keys_limited_to_them(run: Run) -> None:
    assert "No camera group yet" in run("groups").stdout
    for name in ("gate", "yard"):
        run("cameras", "add", name)
    assert run("groups", "add", "north", "gate", "yard").stdout == "Camera group north: gate, yard.\n"
    assert run("groups", "add", "empty").stdout == "Camera group empty: no cameras.\n"
    assert run("groups", "remove", "north", "yard").exit_code == 0
    listed = json.loads(run("groups", "list", "--json").stdout)
    assert listed == [{"name": "empty", "cameras": []}, {"name": "north", "cameras": ["gate"]}]
    made = json.loads(run("keys", "create", "team", "--group", "north", "--group", "empty", "--json").stdout)
    assert made["camera_groups"] == ["north", "empty"]
    run("keys", "create", "operator")
    keys = json.loads(run("keys", "list", "--json").stdout)
    assert [key["camera_groups"] for key in keys] == [["north", "empty"], None]
    assert keys[0]["last_used_at"] is None
    assert "north, empty" in " ".join(run("keys", "list").stdout.split())
    refused = run("groups", "delete", "north")
    assert (refused.exit_code, "keys are limited to group 'north': team" in refused.stderr) == (2, True)
    run("keys", "revoke", made["id"])
    assert run("groups", "delete", "north").stdout == "Camera group north is deleted.\n"


def test_what_there_is_not_is_refused_in_a_line(run: Run) -> None:
    for arguments, said in (
        (
            ("keys", "create", "x", "--group", "nowhere"),
            "no camera group 'nowhere' (`sightline cameras`, `groups`",
        ),
        (("groups", "add", "north", "nowhere"), "no camera 'nowhere'"),
        (("groups", "remove", "nowhere", "gate"), "no camera group 'nowhere'"),
        (("groups", "add", "a/b"), "no slash"),
    ):
        refused = run(*arguments)
        assert refused.exit_code == 2, arguments
        assert said in refused.stderr
    assert json.loads(run("groups", "--json").stdout) == []
