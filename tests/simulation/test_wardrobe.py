"""Garment files are strangers' files: fitted when they are right, refused in one line when they are not."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulation.body import load_body
from simulation.closet import Wardrobe
from simulation.errors import BadWardrobe
from simulation.identity import draw_identity
from simulation.seasons import WINTER
from simulation.wardrobe import components, fingerprint, read_mesh

OBJ = "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 1 1 0\nf 1/1 2/2 4/4 3/3\n"
LINE = "10 11 12 0.2 0.3 0.5 0.1 0.2 0.3"
HEAD = "name thing\nobj_file thing.obj\nx_scale 0 1 1.5\nverts 0\n"
GOOD = HEAD + f"{LINE}\n" * 3 + "13\n"


def write(folder: Path, garment: str = GOOD, geometry: str = OBJ) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "thing.obj").write_text(geometry)
    path = folder / "thing.mhclo"
    path.write_text(garment)
    return path


def test_a_garment_lies_where_its_file_says(tmp_path: Path) -> None:
    mesh = read_mesh(write(tmp_path))
    vertices = load_body().template
    scale = abs(float(vertices[0, 0] - vertices[1, 0])) * 10 / 1.5
    anchored = (vertices[[10, 11, 12]] * np.array([[0.2], [0.3], [0.5]])).sum(0)

    fitted = mesh.fit(vertices)

    assert mesh.faces.tolist() == [[0, 1, 3], [0, 3, 2]]
    np.testing.assert_allclose(fitted[3], vertices[13])
    # MakeHuman's y is up and its z comes towards the viewer: (x, y, z) is (x, -z, y) here; decimetres.
    np.testing.assert_allclose(fitted[0], anchored + np.array([0.01 * scale, -0.03, 0.02]), atol=1e-6)


@pytest.mark.parametrize(
    "garment",
    [
        "",
        "obj_file thing.obj\n",
        GOOD.replace("obj_file thing.obj", ""),
        GOOD.replace("10 11", "10 99999"),
        GOOD.replace("10 11", "10 -3"),
        GOOD.replace("10 11", "10 99999999999999999999"),
        GOOD.replace("0.2 0.3 0.5", "nan 0.3 0.5"),
        GOOD.replace("0.2 0.3 0.5", "inf 0.3 0.5"),
        GOOD.replace("0.2 0.3 0.5", "0 0 0"),
        GOOD.replace("0.2 0.3 0.5", "1e30 0.3 0.5"),
        GOOD.replace(LINE, "10 11 12 0.2"),
        GOOD.replace(LINE, "10 11"),
        GOOD.replace("x_scale 0 1 1.5", "x_scale 0 1 0"),
        GOOD.replace("x_scale 0 1 1.5", "x_scale 0 1 nan"),
        GOOD.replace("x_scale 0 1 1.5", "x_scale 0 88888 1"),
        GOOD.replace("x_scale 0 1 1.5", "x_scale 0"),
        GOOD.replace("thing.obj", "other.obj"),
        GOOD.replace("thing.obj", "\0"),
        GOOD.replace("thing.obj", ".."),
        GOOD + "14\n",
    ],
)
def test_a_broken_garment_is_refused(tmp_path: Path, garment: str) -> None:
    with pytest.raises(BadWardrobe, match=tmp_path.name):
        read_mesh(write(tmp_path, garment))


@pytest.mark.parametrize(
    "geometry",
    [
        "",
        OBJ.replace("f 1/1", "f 9/1"),
        OBJ.replace("f 1/1", "f 0/1"),
        OBJ.replace("f 1/1", "f -1/1"),
        OBJ.replace("f 1/1", "f 99999999999999999999"),
        OBJ.replace("f 1/1", "f one"),
        OBJ.replace("f 1/1 2/2 4/4 3/3", "f 1 2"),
        OBJ + "v 0 0 0\n",
    ],
)
def test_broken_geometry_is_refused(tmp_path: Path, geometry: str) -> None:
    with pytest.raises(BadWardrobe, match=r"thing\.obj"):
        read_mesh(write(tmp_path, geometry=geometry))


def test_geometry_is_read_beside_the_garment_only(tmp_path: Path) -> None:
    (tmp_path / "secret.obj").write_text(OBJ)

    with pytest.raises(BadWardrobe):
        read_mesh(write(tmp_path / "clothes", GOOD.replace("thing.obj", "../secret.obj")))


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_changed_bytes_are_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    raw = bytearray(GOOD.encode())
    for _ in range(data.draw(st.integers(1, 8))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    folder = tmp_path_factory.getbasetemp() / "changed"
    path = write(folder)
    path.write_bytes(raw)
    try:
        mesh = read_mesh(path)
    except BadWardrobe:
        return
    assert np.isfinite(mesh.fit(load_body().template)).all()


def test_a_folder_without_garments_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadWardrobe, match="holds no clothes"):
        fingerprint(tmp_path)


def test_the_fingerprint_follows_the_contents(tmp_path: Path) -> None:
    path = write(tmp_path / "clothes" / "shoes01")
    before = fingerprint(tmp_path)
    path.write_text(GOOD + "# another comment\n")

    assert fingerprint(tmp_path) != before


def test_garments_are_sorted_by_what_they_are(tmp_path: Path) -> None:
    for kind, name in (("clothes", "shoes01"), ("hair", "bob02")):
        path = write(tmp_path / kind / name)
        path.rename(path.with_name(f"{name}.mhclo"))

    wardrobe = Wardrobe(tmp_path)

    assert [mesh.name for mesh in wardrobe.shoes] == ["shoes01"]
    assert list(wardrobe.hair) == ["bob02"]
    assert wardrobe.tops == []


def test_parts_that_share_no_vertex_are_apart() -> None:
    faces = np.array([[0, 1, 2], [2, 3, 4], [5, 6, 7]], np.int32)

    assert components(faces, 8).tolist() == [0, 0, 0, 0, 0, 5, 5, 5]


def bottom(folder: Path, name: str, level: float) -> None:
    """An outfit whose lower part, a hundred vertices and more, hangs down to a level of the template."""
    template = load_body().template
    ends = [int(np.abs(template - point).sum(1).argmin()) for point in ((0.1, 0, 0.0), (0.1, 0, level))]
    shares = np.linspace(0, 1, 60)
    lines = [f"{ends[0]} {ends[1]} {ends[0]} {1 - s:.3f} {s:.3f} 0 0 0 0" for s in shares for _ in range(2)]
    faces = [f"f {k} {k + 1} {k + 2}" for k in range(1, len(lines) - 1)]
    points = ["v 0 0 0"] * len(lines)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.obj").write_text("\n".join(points + faces) + "\n")
    (folder / f"{name}.mhclo").write_text(f"obj_file {name}.obj\nverts 0\n" + "\n".join(lines) + "\n")


def test_trousers_are_told_from_shorts_by_their_length(tmp_path: Path) -> None:
    bottom(tmp_path / "clothes" / "suit_long", "suit_long", -0.7)
    bottom(tmp_path / "clothes" / "suit_short", "suit_short", -0.3)

    wardrobe = Wardrobe(tmp_path)

    assert {mesh.name for mesh, _ in wardrobe.bottoms} == {"suit_long", "suit_short"}
    assert {mesh.name for mesh, _ in wardrobe.long_bottoms} == {"suit_long"}
    worn = [draw_identity(seed, wardrobe, season=WINTER).attributes.bottom for seed in range(12)]
    assert set(worn) <= {"trousers", "jeans", "leggings"}
