"""The integrator's guide: its commands work, and it leaves nothing out."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gallery import NewRecording
from service import problems
from tests.service.conftest import NOON, Archive
from tests.service.videos import RED, encoded, scene

GUIDE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
ASSIGNED = re.compile(r"(\w+)=\$\((curl .*) \| jq -r (\S+)\)")


def commands() -> list[str]:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE, flags=re.S)
    return [line for block in blocks for line in block.splitlines() if "curl" in line]


def pick(answer: Any, path: str) -> str:
    """What jq would print."""
    for part in re.findall(r"\w+", path):
        answer = answer[int(part)] if part.isdigit() else answer[part]
    return str(answer)


class Shell:
    """Enough of a shell and of curl for the guide."""

    def __init__(self, client: TestClient, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.variables = {"URL": "", "KEY": client.headers["x-api-key"]}

    def run(self, line: str) -> int:
        """Run a line; the status of its answer."""
        assigned = ASSIGNED.fullmatch(line)
        status, answer = self.curl(assigned[2] if assigned else line)
        if assigned:
            self.variables[assigned[1]] = pick(answer, assigned[3])
        return status

    def curl(self, command: str) -> tuple[int, Any]:
        filled = re.sub(r"\$(\w+)", lambda name: self.variables[name[1]], command)
        words = iter(shlex.split(filled)[1:])
        method, url, headers, request = None, "", {}, {}
        files: dict[str, bytes] = {}
        data: dict[str, str] = {}
        for word in words:
            if word == "-s":
                continue
            if word == "-H":
                name, _, value = next(words).partition(": ")
                headers[name] = value
            elif word == "-X":
                method = next(words)
            elif word == "-o":
                next(words)
            elif word == "-F":
                name, _, value = next(words).partition("=")
                if value.startswith("@"):
                    files[name] = (self.folder / value[1:]).read_bytes()
                else:
                    data[name] = value
            elif word == "--json":
                request["content"] = next(words).encode()
                headers["Content-Type"] = "application/json"
            elif word == "--data-binary":
                request["content"] = (self.folder / next(words)[1:]).read_bytes()
            else:
                assert not word.startswith("-"), word
                url = word
        if files:
            request |= {"files": files, "data": data}  # type: ignore[dict-item]
        method = method or ("POST" if request else "GET")
        answer = self.client.request(method, url, headers=headers, **request)  # type: ignore[arg-type]
        is_json = answer.headers.get("content-type", "").startswith("application/json")
        return answer.status_code, answer.json() if is_json else answer.content


def test_every_command_works(client: TestClient, archive: Archive, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(encoded(scene((RED, 100, 60)), "JPEG"))
    (tmp_path / "dock3.mp4").write_bytes(Path(archive.videos["gate"].path).read_bytes())
    gate = archive.gallery.catalogue.camera_named("gate").id
    archive.gallery.jobs.file([NewRecording(gate, "/srv/lost.mp4", "lost.mp4", False, NOON)])
    failed = archive.gallery.jobs.claim("worker", lease_seconds=60)
    assert failed is not None
    archive.gallery.jobs.finish(failed, state="failed", reason="the share was away")
    shell = Shell(client, tmp_path)
    ran = commands()
    for line in ran:
        assert 200 <= shell.run(line) < 300, line
    assert len(ran) > 15
    assert shell.variables["SIZE"] == str((tmp_path / "dock3.mp4").stat().st_size)


def test_every_endpoint_is_listed(client: TestClient) -> None:
    listed = set(re.findall(r"`([A-Z]+) (/\S*)`", GUIDE))
    described = {
        (method.upper(), path)
        for path, methods in client.get("/openapi.json").json()["paths"].items()
        for method in methods
    }
    assert listed == described


UNHEARD = {(499, "abandoned")}  # nobody receives it


@pytest.mark.parametrize("kind", sorted({(k.status, k.slug) for k in problems.TABLE.values()} - UNHEARD))
def test_every_problem_is_listed(kind: tuple[int, str]) -> None:
    status, slug = kind
    rows = [line for line in GUIDE.splitlines() if line.startswith(f"| {status} ")]
    assert any(f"`{slug}`" in row for row in rows)
