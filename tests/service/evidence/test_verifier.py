"""The verifier: a package as it was made passes, any other is refused, by both of its copies."""

import hashlib
import io
import json
import random
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from service.evidence import verifier
from service.evidence.archive import Archive, Part
from service.evidence.verifier import Refused

SOURCE = Path(verifier.__file__).read_bytes()
RECORDING = b"a recording"
FACTS = {
    "made_at": "2026-03-01T12:00:00+00:00",
    "recordings": [{"file_name": "gate \x1b[2J.mp4", "sha256": hashlib.sha256(RECORDING).hexdigest()}],
}


def packed(parts: list[Part] | None = None, facts: dict[str, object] | None = None) -> bytes:
    """A small package."""
    noise = random.Random(7).randbytes(3000)
    archive = Archive()
    chunks: list[bytes] = []
    for part in parts or [Part("a/clip.mp4", noise), Part("report.html", b"<p>"), Part("verify.py", SOURCE)]:
        chunks += archive.add(part)
    chunks += archive.finish(facts or FACTS, lambda digest: None)
    return b"".join(chunks)


PACKAGE = packed()


def alone() -> ModuleType:
    """The verifier as it lies in a package, which has no other part of Sightline to lean on."""
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        source = archive.read("verify.py")
    module = ModuleType("verify")
    sys.modules["verify"] = module
    exec(compile(source, "verify.py", "exec"), module.__dict__)
    return module


BOTH = [verifier, alone()]


def refusal(package: bytes, digest: str | None = None) -> str:
    """Why both verifiers refuse it, in the same words."""
    reasons = []
    for one in BOTH:
        with pytest.raises(one.Refused) as refused:
            one.verify(io.BytesIO(package), digest)
        reasons.append(str(refused.value))
    assert reasons[0] == reasons[1]
    return reasons[0]


def test_a_package_passes_and_any_tool_reads_it(tmp_path: Path) -> None:
    found = verifier.verify(io.BytesIO(PACKAGE))
    assert (found.files, found.manifest["made_at"]) == (3, FACTS["made_at"])
    assert BOTH[1].verify(io.BytesIO(PACKAGE), found.digest).digest == found.digest
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        assert archive.testzip() is None
        archive.extractall(tmp_path)
    check = ["sha256sum", "--check", "--strict", "manifest.sha256"]
    assert subprocess.run(check, cwd=tmp_path, check=False, capture_output=True).returncode == 0


def test_any_byte_changed_is_refused() -> None:
    """Every byte of the headers, the manifest and the end, and some of the files."""
    shake = random.Random(11)
    manifest = PACKAGE.index(b"manifest.json")
    places = [*range(100), *range(manifest - 30, len(PACKAGE)), *shake.sample(range(len(PACKAGE)), 300)]
    for place in places:
        changed = bytearray(PACKAGE)
        changed[place] ^= shake.randrange(1, 256)
        with pytest.raises(Refused):
            verifier.verify(io.BytesIO(changed))
    for place in shake.sample(places, 100):
        changed = bytearray(PACKAGE)
        changed[place] ^= 1
        refusal(bytes(changed))


def _cut(data: bytes, shake: random.Random) -> bytes:
    start = shake.randrange(len(data))
    return data[:start] + data[start + shake.randrange(1, 400) :]


def _shorten(data: bytes, shake: random.Random) -> bytes:
    return data[: shake.randrange(len(data))]


def _insert(data: bytes, shake: random.Random) -> bytes:
    start = shake.randrange(len(data) + 1)
    return data[:start] + shake.randbytes(shake.randrange(1, 40)) + data[start:]


def _swap(data: bytes, shake: random.Random) -> bytes:
    size = shake.randrange(1, 200)
    one, other = sorted(shake.sample(range(0, len(data) - size, size), 2))
    parts = (data[:one], data[other : other + size], data[one + size : other], data[one : one + size])
    return b"".join(parts) + data[other + size :]


def _double(data: bytes, shake: random.Random) -> bytes:
    start, end = sorted(shake.sample(range(len(data) + 1), 2))
    return data[:end] + data[start:end] + data[end:]


@pytest.mark.parametrize("mutate", [_cut, _shorten, _insert, _swap, _double])
def test_bytes_cut_swapped_or_added_anywhere_are_refused(
    mutate: Callable[[bytes, random.Random], bytes],
) -> None:
    for seed in range(60):
        changed = mutate(PACKAGE, random.Random(seed))
        if changed != PACKAGE:
            refusal(changed)


def rebuilt(names: list[str], contents: dict[str, bytes], manifest: bytes | None = None) -> bytes:
    """An archive in the right form with files of one's own choice, as a forger would write it."""
    end, entries, parts = 0, [], []
    for name in names:
        content = manifest if name == verifier.MANIFEST and manifest is not None else contents[name]
        entries.append(verifier.Entry(name, len(content), zlib.crc32(content), end))
        header = struct.pack("<4s5H3L2H", b"PK\3\4", 45, 0, 0, 0, 33, zlib.crc32(content), len(content),
                             len(content), len(name), 0) + name.encode()  # fmt: skip
        parts += [header, content]
        end += len(header) + len(content)
    return b"".join([*parts, *verifier.directory(entries, end)])


def contents() -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(PACKAGE)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_files_exchanged_renamed_removed_added_or_doubled_are_refused() -> None:
    kept = contents()
    names = list(kept)
    assert rebuilt(names, kept) == PACKAGE
    assert "changed" in refusal(rebuilt(names, {**kept, "report.html": b"<b>"}))
    assert "not in the manifest" in refusal(rebuilt(["other.mp4", *names[1:]], {**kept, "other.mp4": b"x"}))
    assert "missing" in refusal(rebuilt(names[1:], kept))
    assert "not in the manifest" in refusal(rebuilt(["more.txt", *names], {**kept, "more.txt": b"x"}))
    assert "two files" in refusal(rebuilt([names[0], *names], kept))
    assert "two files" in refusal(rebuilt(["REPORT.html", *names], {**kept, "REPORT.html": b"x"}))
    assert "order" in refusal(rebuilt([names[1], names[0], *names[2:]], kept))
    assert "no manifest" in refusal(rebuilt([n for n in names if n != "manifest.sha256"], kept))
    assert "not behind" in refusal(rebuilt([*names[:2], *names[3:], names[2]], kept))


@pytest.mark.parametrize(
    "name", ["../up", "/root", "a/../b", "a\\b", "C:x", "a//b", ".hidden", "a/./b", "", "ü"]
)
def test_paths_that_lead_elsewhere_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="no name"):
        list(Archive().add(Part(name, b"")))
    kept = contents()
    try:
        name.encode("ascii")
    except UnicodeEncodeError:
        return
    assert "name" in refusal(rebuilt([name, *kept], {**kept, name: b"x"}))


def test_tricks_of_the_archive_format_are_refused() -> None:
    """Data around it, links, other methods, comments, a second directory, and what other tools write."""
    refusal(b"#!/bin/sh\n" + PACKAGE)
    assert "behind" in refusal(PACKAGE + b"\n")
    assert "behind" in refusal(PACKAGE + PACKAGE)
    refusal(b"")
    refusal(b"PK\5\6" + bytes(18))
    link = PACKAGE.replace(struct.pack("<L", 0o100644 << 16), struct.pack("<L", 0o120777 << 16), 1)
    assert "directory" in refusal(link)
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in contents().items():
            archive.writestr(name, content)
    refusal(written.getvalue())
    refusal(PACKAGE[:-2] + b"\1\0c")


def forged(change: Callable[[bytes], bytes]) -> bytes:
    kept = contents()
    manifest = change(kept["manifest.json"])
    digest = verifier.digest_line(hashlib.sha256(manifest).hexdigest())
    return rebuilt(list(kept), {**kept, "manifest.sha256": digest}, manifest)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text[:-1],
        lambda text: b"{",
        lambda text: b"[]\n",
        lambda text: b"[" * 100_000,
        lambda text: text.replace(b'"format"', b'"format": "x",\n "format"'),
        lambda text: text.replace(b"evidence/1", b"evidence/2"),
        lambda text: text.replace(b'"files": [', b'"files": {}, "other": ['),
        lambda text: verifier.canonical({"format": verifier.FORMAT, "files": "none"}),
        lambda text: verifier.canonical({"format": verifier.FORMAT, "files": [1, None, {"name": 3}]}),
        lambda text: text.replace(b'"size": 3', b'"size": 1e400'),
        lambda text: b'{"size": ' + b"9" * 10_000 + b"}\n",
        lambda text: "{\x00ü}".encode(),
    ],
)
def test_manifests_that_nobody_wrote_are_refused(change: Callable[[bytes], bytes]) -> None:
    refusal(forged(change))


def test_only_the_digest_shows_a_package_that_was_made_anew() -> None:
    """What a manifest without a signature proves, and what not."""
    noted = verifier.verify(io.BytesIO(PACKAGE)).digest
    other = packed([Part("a/clip.mp4", b"another clip")])
    assert verifier.verify(io.BytesIO(other)).digest != noted
    assert "another one" in refusal(other, noted)
    assert "another one" in refusal(forged(lambda text: text.replace(b"12:00:00", b"12:00:01")), noted)


def run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "verify.py").write_bytes(SOURCE)
    command = [sys.executable, "-I", "-S", "verify.py", *arguments]
    return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env={})


def test_the_single_file_works_by_itself(tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(PACKAGE)
    (tmp_path / "gate.mp4").write_bytes(RECORDING)
    (tmp_path / "bad.zip").write_bytes(PACKAGE.replace(b"<p>", b"<q>"))
    digest = verifier.verify(io.BytesIO(PACKAGE)).digest

    fine = run(tmp_path, "p.zip", "--digest", digest.upper(), "--recording", "gate.mp4")
    assert (fine.returncode, fine.stderr) == (0, "")
    assert "VERIFIED: 3 files" in fine.stdout
    assert "\x1b" not in fine.stdout
    assert "No --digest" in run(tmp_path, "p.zip").stdout
    bad = run(tmp_path, "bad.zip")
    assert (bad.returncode, bad.stdout) == (1, "REFUSED: report.html was changed\n")
    assert run(tmp_path, "p.zip", "--digest", "0" * 64).returncode == 1
    assert run(tmp_path, "p.zip", "--digest", "abc").returncode == 2
    assert run(tmp_path, "p.zip", "--recording", "bad.zip").returncode == 1
    assert run(tmp_path, "none.zip").returncode == 2
    assert run(tmp_path, ".").returncode == 2


def test_far_files_have_their_place_in_a_large_archive() -> None:
    """Beyond 4 GiB the directory has another form, which other tools read too."""
    far = verifier.Entry("far.mp4", 5, 1, 5 << 30)
    written = b"".join(verifier.directory([verifier.Entry("near.mp4", 1, 1, 0), far], 6 << 30))
    record = written.index(b"far.mp4")
    assert struct.unpack("<2HQ", written[record + 7 : record + 19]) == (1, 8, 5 << 30)
    assert written[-98:-94] == b"PK\6\6"
    assert struct.unpack("<Q", written[-50:-42]) == (6 << 30,)
    assert json.loads(verifier.canonical({"a": 1})) == {"a": 1}
