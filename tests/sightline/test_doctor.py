"""`sightline doctor`: what it says of a healthy machine and of broken parts."""

import json
from pathlib import Path

import pytest

from gallery import GalleryError, GallerySettings
from models.onnx_runtime import CUDA
from service.settings import ServiceSettings
from sightline import checks
from tests.objects import ROOT, Store
from tests.sightline.conftest import Run


def findings(run: Run, *options: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = run("doctor", "--json", *options)
    return result.exit_code, {finding["part"]: finding for finding in json.loads(result.stdout)}


def test_a_healthy_machine_passes(run: Run) -> None:
    status, found = findings(run)

    assert status == 0
    assert {part for part, finding in found.items() if finding["state"] == "failed"} == set()
    assert "nanodet" in found["detector"]["detail"]
    assert found["detector"]["detail"].endswith("on cpu")
    assert "images-efficientnet-lite0" in found["model"]["detail"]
    assert "on cpu by torch (" in found["model"]["detail"], "why nothing faster"
    assert found["database"]["state"] == "ok"


def test_it_says_that_onnx_runtime_embeds(
    run: Run, tmp_path: Path, exported_networks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gallery" / "exported").symlink_to(exported_networks)
    assert "on cpu by ONNX Runtime" in findings(run)[1]["model"]["detail"]
    monkeypatch.setenv("SIGHTLINE_RUNTIME", "torch")
    assert findings(run)[1]["model"]["detail"].endswith("on cpu by torch")
    monkeypatch.setenv("SIGHTLINE_RUNTIME", "tensorrt")
    refused = run("doctor")
    assert refused.exit_code == 2
    assert "SIGHTLINE_RUNTIME" in refused.output


def test_broken_parts_fail_and_the_others_are_still_examined(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGHTLINE_DETECTOR", "nobody-knows")
    file = tmp_path / "gallery" / "gallery.sqlite3"
    damaged = bytearray(file.read_bytes())
    damaged[4096 * 3 : 4096 * 4] = b"\xff" * 4096
    file.write_bytes(damaged)

    status, found = findings(run)

    assert status == 1
    failed = {part for part, finding in found.items() if finding["state"] == "failed"}
    assert failed == {"detector", "database"}


def test_milvus_is_asked_where_vectors_are_to_go_there(
    tmp_path: Path, milvus_uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def milvus(**values: str) -> checks.Finding:
        return checks.milvus(ServiceSettings(data_dir=tmp_path, **values))  # type: ignore[arg-type]

    assert milvus().detail.startswith("not used")
    there = milvus(milvus_uri=milvus_uri, vectors="milvus")
    assert (there.state, "new vectors go there" in there.detail) == ("warning", True), "lite is for trials"
    monkeypatch.setattr("gallery.vectors.milvus._SECONDS", 0.5)
    with pytest.raises(GalleryError, match="cannot be used"):
        milvus(milvus_uri="http://127.0.0.1:1")


def test_the_object_store_is_asked_where_recordings_may_be_in_one(store: Store, tmp_path: Path) -> None:
    def objects(**values: str) -> tuple[str, str]:
        settings = ServiceSettings(data_dir=tmp_path, **values)  # type: ignore[arg-type]
        found = checks.objects(settings)
        return found.state, found.detail

    assert objects()[1].startswith("not used")
    there = {"object_roots": ROOT, "object_endpoint": store.endpoint}
    assert objects(**there) == ("ok", f"127.0.0.1:{store.port} has {ROOT}")
    missing = objects(**there | {"object_roots": "s3://no-such-bucket/"})
    assert missing == ("failed", "s3://no-such-bucket/: there is no such object")
    with store.away():
        assert objects(**there)[0] == "failed"
    with store.guarded():
        refused = objects(**there)
    assert (refused[0], "needs valid credentials (InvalidAccessKeyId)" in refused[1]) == ("failed", True)


def test_a_first_start_is_not_a_failure(tmp_path: Path) -> None:
    finding = checks.database(ServiceSettings(data_dir=tmp_path / "new"))

    assert finding.state == "warning"
    assert not (tmp_path / "new").exists()


def test_vectors_are_verified_on_request(sqlite_settings: GallerySettings) -> None:
    (finding,) = checks.record(sqlite_settings)

    assert finding.state == "ok"
    assert "0 videos" in finding.detail


def test_a_runtime_without_cuda_beside_a_gpu_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = ServiceSettings(database_url=None)
    assert checks.onnx_runtime(settings).state == "ok"
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: ["CPUExecutionProvider"])
    found = checks.onnx_runtime(settings)
    assert found.state == "warning"
    assert "detected on the CPU" in found.detail
    assert checks.onnx_runtime(ServiceSettings(database_url=None, device="cpu")).state == "ok", "asked for"
    monkeypatch.setattr("onnxruntime.get_available_providers", lambda: [CUDA, "CPUExecutionProvider"])
    assert checks.onnx_runtime(settings).detail.endswith("CUDA build")
