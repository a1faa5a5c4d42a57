"""Dockerfile and compose file, checked without an engine; `make image-check` builds and runs the image."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
TOOLS = Path(sys.executable).parent
OTHERS = {"postgres", "milvus", "proxy", "prometheus", "grafana"}  # images that are not ours


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    found: dict[str, Any] = compose["services"]
    return found


def check(*command: str) -> None:
    result = subprocess.run(
        [str(TOOLS / command[0]), *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_compose_file_follows_the_specification() -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "docker-compose.yml")


def test_the_dockerfile_passes_the_linter() -> None:
    check("hadolint", "Dockerfile")


def test_no_secret_stands_in_the_compose_file(services: dict[str, Any]) -> None:
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    assert ":${POSTGRES_PASSWORD:?" in services["server"]["environment"]["SIGHTLINE_DATABASE_URL"]
    example = (ROOT / "env.example").read_text(encoding="utf-8")
    assert "\nPOSTGRES_PASSWORD=\n" in example


def test_the_first_key_is_a_secret_of_the_server_alone(services: dict[str, Any]) -> None:
    compose = YAML(typ="safe").load(ROOT / "docker-compose.yml")
    assert compose["secrets"]["first_key"] == {"file": "${SIGHTLINE_FIRST_KEY:-/dev/null}"}
    assert [n for n, s in services.items() if "first_key" in s.get("secrets", ())] == ["server"]
    assert services["server"]["environment"]["SIGHTLINE_FIRST_KEY_FILE"] == "/run/secrets/first_key"
    assert services["server"]["environment"].keys() > services["worker"]["environment"].keys()


def test_every_service_of_ours_is_locked_down(services: dict[str, Any]) -> None:
    for name in services.keys() - {"postgres", "milvus"}:  # databases, as their makers start them
        service = services[name]
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"] is True, name
        assert "no-new-privileges:true" in service["security_opt"], name


def test_nothing_starts_before_the_schema_is_current(services: dict[str, Any]) -> None:
    for name in ("server", "worker", "worker-gpu"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert services["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert services["postgres"]["healthcheck"]["test"][1] == "pg_isready"


def test_the_server_is_published_on_the_loopback_address(services: dict[str, Any]) -> None:
    assert services["server"]["ports"] == ["${SIGHTLINE_PUBLISH:-127.0.0.1:8000}:8000"]


def test_milvus_runs_by_its_profile_and_is_waited_for(services: dict[str, Any]) -> None:
    milvus = services["milvus"]
    assert (milvus["profiles"], milvus.get("ports")) == (["milvus"], None)
    for name in ("migrate", "server", "worker", "worker-gpu"):
        assert services[name]["depends_on"]["milvus"] == {"condition": "service_healthy", "required": False}
    example = (ROOT / "env.example").read_text(encoding="utf-8")
    assert "\n#SIGHTLINE_MILVUS_URI=http://milvus:19530\n" in example
    assert (ROOT / "deploy/milvus-etcd.yml").is_file()


def test_every_build_target_and_command_exists(services: dict[str, Any]) -> None:
    from typer.main import get_command

    from sightline.main import app

    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    commands = get_command(app).commands  # type: ignore[attr-defined]
    for name in services.keys() - OTHERS:
        assert f" AS {services[name]['build']['target']}\n" in dockerfile, name
        assert services[name]["command"][0] in commands, name


def test_the_build_gets_what_the_wheel_needs() -> None:
    """What .dockerignore leaves out cannot be copied, and the wheel needs all of its sources."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    packages = {package.partition(".")[0] for package in pyproject["tool"]["setuptools"]["packages"]}

    assert [name for name in kept if not (ROOT / name).exists()] == []
    others = {"alembic.ini", "constraints.txt", "migrations", "pyproject.toml", "scripts/requirements.py"}
    assert (packages | others) - kept == set()


@pytest.mark.parametrize("missing", ["buildah", "debootstrap", "curl"])
def test_the_image_check_installs_the_tools_that_are_missing(tmp_path: Path, missing: str) -> None:
    """All tools but one are there; the package manager notes what it is told, and fails."""
    said = tmp_path / "said"
    fakes = {
        "id": "echo 0",
        "apt-get": f'echo "$*" >> {said}; case "$*" in *install*) exit 7;; esac',
        **dict.fromkeys({"buildah", "debootstrap", "curl"} - {missing}, "exit 1"),
    }
    for name, body in fakes.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    for name in ("bash", "dirname", "env", "mktemp", "rm", "sh"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))

    result = subprocess.run(
        ["bash", str(ROOT / "scripts/image-check.sh")],
        env={"PATH": str(tmp_path), "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 7, result.stderr
    assert said.read_text().split()[-1] == missing
