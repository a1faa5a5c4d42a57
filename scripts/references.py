"""Fetch the evaluation code of torchreid and fast-reid, which test_metrics_peers.py runs.

One file of each is all that is needed; to install the packages would bring a torch of their own. pip runs the
setup.py of the first to learn its name: the hashes say which code that is.
"""

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

REQUIREMENTS = """
torchreid==0.2.5 --hash=sha256:bc1055c6fb8444968798708dd13fdad00148e9d7cf3cb18cf52f4b949857fe08
fastreid==1.4.0 --hash=sha256:6b308165bc29beb69c1df86285797c6cf9105a416e04545ad1376dd67e1a23ee
"""
FOLDER = Path(sys.prefix) / "share/references"


def download(folder: Path) -> None:
    """Put the two packages into the folder. Raises CalledProcessError."""
    wanted = folder / "requirements.txt"
    wanted.write_text(REQUIREMENTS)
    command = [sys.executable, "-m", "pip", "download", "-qq", "--no-deps", "--no-binary", "torchreid"]
    subprocess.run([*command, "--dest", str(folder), "--requirement", str(wanted)], check=True)


def extract(folder: Path) -> dict[str, bytes]:
    """What is wanted of the packages, by the name it gets."""
    with tarfile.open(folder / "torchreid-0.2.5.tar.gz") as archive:
        file = archive.extractfile("torchreid-0.2.5/torchreid/reid/metrics/rank.py")
        assert file is not None
        found = {"torchreid_rank.py": file.read()}
    with zipfile.ZipFile(folder / "fastreid-1.4.0-py3-none-any.whl") as wheel:
        found["fastreid_rank.py"] = wheel.read("fastreid/evaluation/rank.py")
    return found


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        download(Path(name))
        for file_name, content in extract(Path(name)).items():
            (FOLDER / file_name).write_bytes(content)
