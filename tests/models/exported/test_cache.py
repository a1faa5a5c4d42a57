"""Exported networks are made once, used only while they are what was written, and made anew when damaged."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from models import zoo
from models.embedder import Embedder
from models.errors import CannotExport
from models.exported import cache
from models.exported.cache import find, provide, try_to_provide
from models.exported.exporting import Export
from models.exported.writing import IMAGE, VIDEO
from models.networks.catalogue import build
from models.zoo import LoadedModel


class Exporter:
    """Writes files as the real one does, but at once and with nothing in them that runs."""

    def __init__(self, failures: dict[str, str] | None = None, *, parts: bool = True) -> None:
        self.calls = 0
        self.failures, self.parts = failures or {}, parts

    def __call__(self, model: LoadedModel, folder: Path) -> Export:
        self.calls += 1
        names = [name for name in (IMAGE, VIDEO) if name not in self.failures]
        for name in names:
            (folder / name).write_bytes(f"{name} {self.calls}".encode() * 100)
        return Export(dict.fromkeys(names, 1e-7), self.failures, self.parts)


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    return zoo.load()


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exporter], Exporter]:
    def replace(exporter: Exporter) -> Exporter:
        monkeypatch.setattr(cache, "try_export", exporter)
        monkeypatch.setattr(cache, "missing_packages", list)
        return exporter

    return replace


def made(root: Path, model: LoadedModel) -> Path:
    exported = find(root, model.id)
    assert exported is not None
    return exported.image.parent


def test_it_is_made_once(tmp_path: Path, model: LoadedModel, use: Callable[[Exporter], Exporter]) -> None:
    exporter = use(Exporter())
    root = tmp_path / "new" / "exported"
    assert find(root, model.id) is None
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: provide(root, model), range(4)))
    assert exporter.calls == 1
    assert found == [find(root, model.id)] * 4
    assert (root.stat().st_mode & 0o077, found[0].image.parent.stat().st_mode & 0o077) == (0, 0)


def relink(file: Path) -> None:
    """The same bytes, but where somebody else may change them."""
    elsewhere = file.rename(file.with_name("elsewhere"))
    file.symlink_to(elsewhere)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "a byte": lambda folder: (folder / IMAGE).write_bytes(b"X" + (folder / IMAGE).read_bytes()[1:]),
    "cut short": lambda folder: os.truncate(folder / VIDEO, 3),
    "gone": lambda folder: (folder / VIDEO).unlink(),
    "no facts": lambda folder: (folder / "export.json").unlink(),
    "not JSON": lambda folder: (folder / "export.json").write_text('{"files": {'),
    "other facts": lambda folder: (folder / "export.json").write_text('{"files": ["image.onnx"]}'),
    "another file": lambda folder: (folder / "export.json").write_text('{"files": {"../../x": "0"}}'),
    "a link": lambda folder: relink(folder / IMAGE),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_made_anew(
    damage: str, tmp_path: Path, model: LoadedModel, use: Callable[[Exporter], Exporter]
) -> None:
    exporter = use(Exporter())
    provide(tmp_path, model)
    DAMAGE[damage](made(tmp_path, model))
    assert find(tmp_path, model.id) is None
    assert provide(tmp_path, model) == find(tmp_path, model.id)
    assert exporter.calls == 2


def test_other_versions_and_what_the_dead_left_go(
    tmp_path: Path, model: LoadedModel, use: Callable[[Exporter], Exporter]
) -> None:
    use(Exporter())
    left = [tmp_path / ".making-1", tmp_path / model.id / "1-torch-2.0-onnxruntime-1.0"]
    for folder in left:
        folder.mkdir(parents=True)
        (folder / IMAGE).touch()
    (tmp_path / "another-model").mkdir()
    provide(tmp_path, model)
    assert not any(folder.exists() for folder in left)
    assert {one.name for one in tmp_path.iterdir()} == {".lock", "another-model", model.id}


def test_a_network_that_cannot_be_written_is_tried_once(
    tmp_path: Path,
    model: LoadedModel,
    use: Callable[[Exporter], Exporter],
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = use(Exporter({IMAGE: "an operator is unknown"}))
    for _ in range(2):
        with pytest.raises(CannotExport, match="an operator is unknown"):
            provide(tmp_path, model)
    with caplog.at_level(logging.INFO):
        try_to_provide(tmp_path, model)
    assert exporter.calls == 1
    assert [record.message for record in caplog.records] == [
        f"torch embeds {model.name}, as ONNX Runtime cannot: an operator is unknown"
    ]
    assert Embedder(model, device="cpu", runtime="auto", exported=tmp_path).runtime == "torch"


@pytest.mark.parametrize("exporter", [Exporter({VIDEO: "no"}), Exporter(parts=False)])
def test_clips_may_stay_with_torch(
    exporter: Exporter, tmp_path: Path, model: LoadedModel, use: Callable[[Exporter], Exporter]
) -> None:
    use(exporter)
    exported = provide(tmp_path, model)
    assert exported.video is None
    assert not (exported.image.parent / VIDEO).exists()


def test_a_disk_that_cannot_be_written_is_one_line(
    tmp_path: Path,
    model: LoadedModel,
    use: Callable[[Exporter], Exporter],
    caplog: pytest.LogCaptureFixture,
) -> None:
    use(Exporter())
    (tmp_path / "file").touch()  # root writes to read-only folders; nobody makes folders below a file
    try_to_provide(tmp_path / "file" / "exported", model)
    assert len(caplog.records) == 1
    assert "cannot be written: Not a directory" in caplog.text


def test_a_process_that_dies_leaves_nothing(
    tmp_path: Path, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.exported.exporting._WRITING", "models.no_such_module")
    monkeypatch.setattr("models.exported.exporting.missing_packages", list)
    monkeypatch.setattr(cache, "missing_packages", list)
    with pytest.raises(CannotExport, match=r"the process that exports failed: .*no_such_module"):
        provide(tmp_path, model)
    assert [one.name for one in tmp_path.iterdir()] == [".lock"]


def test_without_the_package_it_says_what_to_install(
    tmp_path: Path, model: LoadedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "missing_packages", lambda: ["onnx"])
    with pytest.raises(CannotExport, match="pip install onnx"):
        provide(tmp_path, model)
    try_to_provide(tmp_path, model)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
@pytest.mark.usefixtures("exported_networks")
def test_a_network_with_an_operator_that_onnx_lacks_stays_with_torch(
    tmp_path: Path, model: LoadedModel, capfd: pytest.CaptureFixture[str]
) -> None:
    from models import checkpoint

    network = build("cross-modality-alignment", {})
    checkpoint.save(
        tmp_path / "model", network, checkpoint.describe(network, "aligned", model.preprocessing, {})
    )
    with pytest.raises(CannotExport, match=r"torch cannot write this network as image\.onnx"):
        provide(tmp_path, checkpoint.load(tmp_path / "model"))
    assert capfd.readouterr() == ("", "")
