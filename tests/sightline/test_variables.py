"""Variables that look like settings and are none."""

import re
from pathlib import Path

import pytest

from sightline.variables import kinds, known, misspelt
from tests.sightline.conftest import Run


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("SIGHTLINE_DATADIR", "SIGHTLINE_DATA_DIR"),
        ("SIGHTLINE_INDEX_MODLE", "SIGHTLINE_INDEX_MODEL"),
        ("SIGHTLINE_MAX_CONECTIONS", "SIGHTLINE_MAX_CONNECTIONS"),
    ],
)
def test_a_misspelt_variable_is_named_with_what_was_meant(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, meant: str
) -> None:
    monkeypatch.setenv(name, "1")

    result = run("cameras")

    assert result.exit_code == 0
    assert name in result.stderr
    assert f"{meant}?" in result.stderr
    assert "Note" not in result.stdout


def test_what_is_like_no_setting_is_named_alone() -> None:
    assert list(misspelt(["SIGHTLINE_ZZZ", "HOME"])) == ["SIGHTLINE_ZZZ is no setting and is ignored"]


def test_every_setting_is_known_in_any_case() -> None:
    names = {
        f"{kind.model_config['env_prefix']}{field.upper()}" for kind in kinds() for field in kind.model_fields
    }

    assert names <= known()
    assert list(misspelt([*names, "sightline_data_dir", "SIGHTLINE_API_KEY", "SIGHTLINE_MEDIA"])) == []


def test_what_containers_are_given_is_known() -> None:
    """All of .env reaches the containers; the file that names the first key is the server's setting."""
    root = Path(__file__).parents[2]
    given = {
        name
        for file in ("docker-compose.yml", "env.example")
        for name in re.findall(r"SIGHTLINE_[A-Z_]*[A-Z]", (root / file).read_text())
    }

    assert "SIGHTLINE_FIRST_KEY" in given
    assert list(misspelt(given)) == []
