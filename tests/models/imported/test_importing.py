"""Networks that others exported: what is accepted, how it is used, and how the rest is refused."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from models import checkpoint, zoo
from models.embedder import Embedder
from models.errors import BadCheckpoint, DeviceUnavailable
from models.imported.external import external_files
from models.imported.importing import Usage, import_network
from models.preprocessing import Crop, Preprocessing, prepare
from tests.models.imported.networks import integer, ints, node, weights, write, write_reid
from tests.models.onnx_files import block, tensor, value_info, write_constant_network

USAGE = Usage(64, 32)
OTHERWISE = Usage(64, 32, channels="bgr")


def crops(count: int) -> list[Crop]:
    random = np.random.default_rng(5)
    return [random.integers(0, 255, (40 + i, 30, 3), dtype=np.uint8) for i in range(count)]


def expected(
    pictures: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """What `write_reid` computes, by numpy."""
    count, _, height, width = pictures.shape
    squares = pictures.reshape(count, 3, height // 8, 8, width // 8, 8)
    maps = np.einsum("nchiwj,dcij->ndhw", squares, weights())
    mean = np.abs(maps).mean(axis=(2, 3))
    return np.asarray(mean, dtype=np.float32)


def unit(
    rows: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), dtype=np.float32)


def accepted(file: Path, usage: Usage = USAGE, name: str = "theirs") -> Embedder:
    target = file.parent / "model"
    model_id = import_network(file, name, usage, target)
    loaded = zoo.load(str(target))
    assert loaded.id == model_id
    return Embedder(loaded, threads=1)


@pytest.mark.parametrize("batch", ["N", 1])
def test_photos_and_clips_pass_the_network(tmp_path: Path, batch: int | str) -> None:
    embedder = accepted(write_reid(tmp_path / "net.onnx", batch=batch))
    pictures = prepare(crops(5), Preprocessing(64, 32)).numpy()
    features = expected(pictures)
    np.testing.assert_allclose(embedder.embed_images(crops(5)), unit(features), atol=1e-5)
    clips = embedder.embed_clips([crops(5)[:2], crops(5)])
    np.testing.assert_allclose(clips[0], features[:2].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(clips[1], features.mean(axis=0), rtol=1e-4)
    assert (embedder.name, embedder.dimension, embedder.device) == ("theirs", 8, "cpu")
    assert embedder.warning is not None
    assert "origin is unknown" in embedder.warning
    assert embedder.embed_images([]).shape == (0, 8)


def test_norms_and_channels_are_those_that_were_named(tmp_path: Path) -> None:
    usage = Usage(64, 32, mean=[1, 2, 3], std=[4, 5, 6], scale=255, channels="bgr")
    embedder = accepted(write_reid(tmp_path / "net.onnx"), usage)
    raw = prepare(crops(3), Preprocessing(64, 32, (0, 0, 0), (1 / 255,) * 3)).numpy()  # 0 to 255, red first
    blue_first = (raw[:, ::-1] - np.array([1, 2, 3]).reshape(3, 1, 1)) / np.array([4, 5, 6]).reshape(3, 1, 1)
    features = unit(expected(blue_first.astype(np.float32)))
    np.testing.assert_allclose(embedder.embed_images(crops(3)), features, atol=1e-5)


def test_channels_may_come_last(tmp_path: Path) -> None:
    nodes = [
        node("Transpose", ["images"], "turned", ints("perm", [0, 3, 1, 2])),
        node("Conv", ["turned", "w"], "maps", ints("strides", [8, 8])),
        node("Abs", ["maps"], "strengths"),
        node("ReduceMean", ["strengths"], "features", ints("axes", [2, 3]) + integer("keepdims", 0)),
    ]
    ports = [block(11, value_info("images", ("N", 64, 32, 3))), block(12, value_info("features", ("N", 8)))]
    file = write(tmp_path / "net.onnx", nodes, [tensor("w", weights())], ports)
    with pytest.raises(BadCheckpoint, match=r"takes pictures of 64 x 32 x 3, not 3 x 64 x 32.*--layout"):
        import_network(file, "theirs", USAGE, tmp_path / "refused")
    embedder = accepted(file, Usage(64, 32, layout="nhwc"))
    pictures = prepare(crops(3), Preprocessing(64, 32)).numpy()
    np.testing.assert_allclose(embedder.embed_images(crops(3)), unit(expected(pictures)), atol=1e-5)


def test_weights_beside_the_file_are_taken_along(tmp_path: Path) -> None:
    whole = accepted(write_reid(tmp_path / "whole.onnx"))
    shutil.rmtree(tmp_path / "model")
    file = write_reid(tmp_path / "net.onnx", external="net.onnx.data")
    assert external_files(file.read_bytes()) == ["net.onnx.data"]
    apart = accepted(file)
    for left in (file, tmp_path / "net.onnx.data"):
        left.unlink()
    np.testing.assert_array_equal(apart.embed_images(crops(2)), whole.embed_images(crops(2)))
    assert apart.id != whole.id, "other files"


@pytest.mark.parametrize("location", ["../secret", "/etc/hostname", "folder/net.data", "..", "a\\b"])
def test_weights_elsewhere_are_refused(tmp_path: Path, location: str) -> None:
    file = write_reid(tmp_path / "net.onnx", external=location)
    with pytest.raises(BadCheckpoint, match="must lie beside the file"):
        import_network(file, "theirs", USAGE, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_missing_and_linked_weights_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "theirs"
    folder.mkdir()
    file = write_reid(folder / "net.onnx", external="net.data")
    (folder / "net.data").rename(tmp_path / "moved")
    with pytest.raises(BadCheckpoint, match=r"'net.data' are not beside it"):
        import_network(file, "theirs", USAGE, tmp_path / "model")
    (folder / "net.data").symlink_to(tmp_path / "moved")
    with pytest.raises(BadCheckpoint, match="link to another folder"):
        import_network(file, "theirs", USAGE, tmp_path / "model")


def test_several_outputs_need_a_choice(tmp_path: Path) -> None:
    file = write_reid(tmp_path / "net.onnx", outputs=("features", "negative"))
    with pytest.raises(BadCheckpoint, match="choose one of features, negative with --output"):
        import_network(file, "theirs", USAGE, tmp_path / "model")
    with pytest.raises(BadCheckpoint, match="no output 'third'; its outputs: features, negative"):
        import_network(file, "theirs", Usage(64, 32, output="third"), tmp_path / "model")
    embedder = accepted(file, Usage(64, 32, output="negative"))
    assert (embedder.embed_images(crops(2)) <= 0).all()


def constant(path: Path, output: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> Path:
    return write_constant_network(path, output, input_shape=("N", 3, 64, 32))


def test_what_is_no_such_network_is_refused(tmp_path: Path) -> None:
    def refused(file: Path, reason: str, usage: Usage = USAGE) -> None:
        with pytest.raises(BadCheckpoint, match=reason):
            import_network(file, "theirs", usage, tmp_path / "model")
        assert not (tmp_path / "model").exists()

    net = tmp_path / "net.onnx"
    refused(write_reid(net), "takes pictures of 3 x 64 x 32, not 3 x 128 x 64", Usage(128, 64))
    refused(write_reid(net, batch=4), "takes 4 pictures at a time")
    refused(write_reid(net, inputs=("images", "more")), r"has 2 inputs \(images, more\)")
    refused(constant(net, np.ones((1, 8), np.float32)), "every picture gets the same feature")
    refused(constant(net, np.full((1, 8), np.nan, np.float32)), "not finite")
    refused(constant(net, np.ones((1, 8, 1, 1), np.float32)), r"is \(1, 8, 1, 1\) for one picture")
    refused(constant(net, np.ones((1, 1), np.float32)), r"is \(1, 1\) for one picture")
    net.write_bytes(b"\x08\x08" + b"no network" * 20)
    refused(net, "not an ONNX file|cannot open it")
    net.write_bytes(b"")
    refused(net, "cannot open it")
    write_reid(net)
    net.write_bytes(net.read_bytes()[:-300])
    refused(net, "not an ONNX file")
    refused(tmp_path / "net.pb", "neither an .onnx nor an .xml file")
    refused(write_reid(net), "mean has 2 numbers", Usage(64, 32, mean=[1, 2]))
    refused(write_reid(net), "std must be above 0", Usage(64, 32, std=[0]))


def test_a_picture_must_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    nodes = [
        node("Conv", ["images", "w"], "maps", ints("strides", [8, 8])),
        node("ReduceMean", ["maps"], "rows", ints("axes", [2, 3]) + integer("keepdims", 0)),
        node("ReduceMean", ["rows"], "mean", ints("axes", [0]) + integer("keepdims", 1)),
        node("Sub", ["rows", "mean"], "centred"),
        node("Add", ["centred", "rows"], "features"),
    ]
    ports = [
        block(11, value_info("images", ("N", 3, 64, 32))),
        block(12, value_info("features", ("N", 8))),
    ]
    file = write(tmp_path / "net.onnx", nodes, [tensor("w", weights())], ports)
    with pytest.raises(BadCheckpoint, match="depends on the pictures beside it"):
        import_network(file, "theirs", USAGE, tmp_path / "model")


def test_the_id_is_of_the_files_and_of_their_use(tmp_path: Path) -> None:
    file = write_reid(tmp_path / "net.onnx")
    ids = [
        import_network(file, f"m{number}", usage, tmp_path / f"m{number}")
        for number, usage in enumerate(
            [USAGE, USAGE, Usage(64, 32, mean=[0.5]), Usage(64, 32, channels="bgr")]
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3
    other = write_reid(tmp_path / "other.onnx", seed=1)
    assert import_network(other, "m5", USAGE, tmp_path / "m5") not in ids


def test_a_changed_file_or_card_is_not_loaded(tmp_path: Path) -> None:
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", USAGE, tmp_path / "model")
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    changed = {**card, "preprocessing": {**card["preprocessing"], "mean": [0.1, 0.1, 0.1]}}
    (tmp_path / "model" / "card.json").write_text(json.dumps(changed))
    with pytest.raises(BadCheckpoint, match="id differs"):
        checkpoint.load(tmp_path / "model")
    (tmp_path / "model" / "card.json").write_text(json.dumps(card))
    checkpoint.load(tmp_path / "model")
    with (tmp_path / "model" / "net.onnx").open("ab") as file:
        file.write(b"\x00")
    with pytest.raises(BadCheckpoint, match="not the file that was imported"):
        checkpoint.load(tmp_path / "model")


def test_it_runs_on_the_cpu_in_fp32(tmp_path: Path) -> None:
    import_network(write_reid(tmp_path / "net.onnx"), "theirs", USAGE, tmp_path / "model")
    loaded = zoo.load(str(tmp_path / "model"))
    with pytest.raises(DeviceUnavailable, match="runs on the CPU"):
        Embedder(loaded, device="cuda:0")
    with pytest.raises(DeviceUnavailable, match="fp32 only"):
        Embedder(loaded, device="cpu", precision="bf16")


def test_nothing_is_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """ONNX Runtime warns of constants that nobody uses; users need not see that."""
    nodes = [
        node("Conv", ["images", "w"], "maps", ints("strides", [8, 8])),
        node("ReduceMean", ["maps"], "features", ints("axes", [2, 3]) + integer("keepdims", 0)),
    ]
    ports = [
        block(11, value_info("images", ("N", 3, 64, 32))),
        block(12, value_info("features", ("N", 8))),
    ]
    unused = [tensor(f"unused{number}", np.ones(3, np.float32)) for number in range(20)]
    file = write(tmp_path / "net.onnx", nodes, [tensor("w", weights()), *unused], ports)
    accepted(file).embed_images(crops(1))
    assert capfd.readouterr() == ("", "")


def test_openvino_is_named_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "net.xml").write_text("<net/>")
    (tmp_path / "net.bin").write_bytes(b"")
    with pytest.raises(BadCheckpoint, match=r"openvino is not installed|OpenVINO cannot open it"):
        import_network(tmp_path / "net.xml", "theirs", USAGE, tmp_path / "model")


def test_maps_without_variance_are_normalised_as_onnx_says(tmp_path: Path) -> None:
    """ONNX Runtime divides 0 by 0 there; ONNX adds 1e-9 to the deviation."""
    values = weights()
    values[0] = 0  # the first map is 0 everywhere, on every picture
    nodes = [
        node("Conv", ["images", "w"], "maps", ints("strides", [8, 8])),
        node("MeanVarianceNormalization", ["maps"], "normal", ints("axes", [2, 3])),
        node("Relu", ["normal"], "strengths"),
        node("ReduceMean", ["strengths"], "features", ints("axes", [2, 3]) + integer("keepdims", 0)),
    ]
    ports = [
        block(11, value_info("images", ("N", 3, 64, 32))),
        block(12, value_info("features", ("N", 8))),
    ]
    embedder = accepted(write(tmp_path / "net.onnx", nodes, [tensor("w", values)], ports))
    assert "written out" in embedder.card["changed"]
    squares = prepare(crops(3), Preprocessing(64, 32)).numpy().reshape(3, 3, 8, 8, 4, 8)
    maps = np.einsum("nchiwj,dcij->ndhw", squares, values)
    apart = maps - maps.mean(axis=(2, 3), keepdims=True)
    normal = apart / (np.sqrt((apart**2).mean(axis=(2, 3), keepdims=True)) + 1e-9)
    right = np.maximum(normal, 0).mean(axis=(2, 3)).astype(np.float32)
    assert (right[:, 0] == 0).all()
    np.testing.assert_allclose(embedder.embed_images(crops(3)), unit(right), atol=1e-5)
