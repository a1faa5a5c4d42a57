"""`sightline evidence` and `sightline verify`."""

import errno
import json
from pathlib import Path

import pytest

from tests.sightline.conftest import Run

pytestmark = pytest.mark.usefixtures("networks")


def test_a_package_is_made_verified_and_refused_once_changed(
    run: Run, recordings: Path, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "a.mp4"
    copy.write_bytes((recordings / "a.mp4").read_bytes())
    run("index", copy, "--camera", "gate", "--start", "2026-01-05T09:00")
    search = json.loads(run("search", photo, "--json").stdout)["id"]
    package = tmp_path / "package.zip"

    made = run("evidence", search, "--output", package, "--hits", "1", "--json")

    assert made.exit_code == 0, made.output
    assert package.stat().st_mode & 0o077 == 0, "photos and recordings are for their owner"
    digest = json.loads(made.stdout)["manifest_sha256"]
    fine = run("verify", package, "--digest", digest, "--recording", copy)
    assert (fine.exit_code, "VERIFIED" in fine.stdout) == (0, True)
    assert run("verify", package, "--digest", "0" * 64).exit_code == 1
    changed = bytearray(package.read_bytes())
    changed[len(changed) // 2] ^= 1
    package.with_name("changed.zip").write_bytes(changed)
    refused = run("verify", package.with_name("changed.zip"))
    assert (refused.exit_code, refused.stdout.startswith("REFUSED: ")) == (1, True)
    assert run("verify", tmp_path / "none.zip").exit_code == 2
    assert "File exists" in run("evidence", search, "-o", package).output
    copy.write_bytes(b"another recording")
    without = run("evidence", search, "-o", tmp_path / "without.zip", "--hits", "1")
    assert (without.exit_code, "Not in the package: clips" in without.output) == (1, True)
    assert run("verify", tmp_path / "without.zip").exit_code == 0
    assert run("evidence", "0" * 32).exit_code == 2
    unconfirmed = run("evidence", search, "--only-confirmed", "-o", tmp_path / "confirmed.zip")
    assert (unconfirmed.exit_code, "No mark is confirmed" in unconfirmed.output) == (2, True)

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("service.evidence.package.Package._finish", fail)
    assert run("evidence", search, "-o", tmp_path / "full.zip").exit_code == 2
    assert not (tmp_path / "full.zip").exists(), "half a package is none"
