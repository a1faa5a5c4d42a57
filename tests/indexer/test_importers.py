"""Box files and crop folders from elsewhere."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from gallery import Gallery
from indexer.errors import MalformedImport
from indexer.importers.boxes import read_boxes
from indexer.importers.crops import scan
from indexer.importers.mars import CropFolder, import_crops, import_tracklets
from indexer.importers.motchallenge import import_boxes
from indexer.pipeline import index_video
from indexer.settings import IndexSettings
from indexer.types import Recording
from tests.indexer.conftest import START
from tests.indexer.contents import contents
from tests.indexer.fakes import ColourDetector, TinyEmbedder
from tests.indexer.videos import BLUE, CROWD, GREEN, RED


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def truth_lines(*, tracked: bool, tail: str = "1,-1,-1,-1") -> str:
    """The crowd's boxes as a MOT15 file."""
    return "\n".join(
        f"{frame + 1},{number + 1 if tracked else -1},{left},{top},{right - left},{bottom - top},{tail}"
        for frame in range(80)
        for number, walker in enumerate(CROWD)
        if walker.enters <= frame < walker.leaves
        for left, top, right, bottom in [walker.box(frame)]
    )


@pytest.mark.parametrize("tail", ["1,-1,-1,-1", "1,1,0.8", "1"])
def test_the_three_shapes_of_box_files(tmp_path: Path, tail: str) -> None:
    file = read_boxes(write(tmp_path / "gt.txt", truth_lines(tracked=True, tail=tail)))
    assert file.tracked
    assert sum(len(found.ids) for found in file.frames.values()) == 60 + 35 + 60
    first = file.frames[0]
    assert first.ids.tolist() == [1]
    assert first.boxes.tolist() == [[10, 20, 38, 92]]


def test_lines_that_mean_nobody_are_counted(tmp_path: Path) -> None:
    lines = ["1,1,5,5,10,20,1,1,1", "1,2,5,5,10,20,0,1,1", "2,3,5,5,10,20,1,3,1", "2,4,5,5,10,20,1,-1,1"]
    file = read_boxes(write(tmp_path / "gt.txt", "\n".join(lines)))
    assert dict(file.ignored) == {"marked to be ignored": 1, "not a pedestrian": 1}
    assert [len(file.frames[n].ids) for n in (0, 1)] == [1, 1]


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("1,2,3", "columns"),
        ("1,2,3,4,5,x,1", "not a number"),
        ("1.5,2,3,4,5,6,1", "frame number"),
        ("-3,2,3,4,5,6,1", "negative"),
        ("1,-2,3,4,5,6,1", "negative"),
        ("1,2,3,4,0,6,1", "without area"),
        ("1,2,3,4,,6,1", "not a number"),
        ("1,2,3,4,5,nan,1", "not a number"),
        ("3,-1,3,4,5,6,1", "without an identity"),
        ("7,1,3,4,5,6,1", "second box"),
    ],
)
def test_a_line_that_is_not_clear_is_left_out_and_named(tmp_path: Path, line: str, complaint: str) -> None:
    file = read_boxes(write(tmp_path / "gt.txt", f"7,1,3,4,5,6,1\n\n{line}\n8,1,3,4,5,6,1\n"))
    assert sorted(file.frames) == [6, 7]
    ((reason, count),) = file.ignored.items()
    assert (complaint in reason, count) == (True, 1)
    assert "(first: line 3)" in file.notes[-1]


def test_a_file_of_which_nothing_is_clear_is_refused_with_the_reasons(tmp_path: Path) -> None:
    with pytest.raises(MalformedImport, match="left out 2 lines of boxes: 2 with a box without area"):
        read_boxes(write(tmp_path / "gt.txt", "1,1,5,5,0,0\n2,1,5,5,0,0"))
    with pytest.raises(MalformedImport, match="parts of the frame"):
        read_boxes(write(tmp_path / "yolo.txt", "1,1,.5,.5,.1,.2\n2,1,.5,.5,.1,.2"))
    with pytest.raises(MalformedImport, match="must name frame, left"):
        read_boxes(write(tmp_path / "other.csv", "a,b,c,d,e,f\n1,1,5,5,10,20"))


ROWS = [f"{frame},{person},{100 + frame},120.5,40,100,0.9,1,1" for frame in (1, 2) for person in (1, 2)]
HEADER = "frame,id,bb_left,bb_top,bb_width,bb_height,conf,class,visibility"
TABLES = {
    "plain": "\n".join(ROWS).encode(),
    "spreadsheet": b"\xef\xbb\xbf" + "\r\n".join([HEADER, *ROWS]).encode(),
    "semicolons and decimal commas": "\n".join(
        row.replace(",", ";").replace(".", ",") for row in ROWS
    ).encode(),
    "semicolons": "\n".join(row.replace(",", ";") for row in ROWS).encode(),
    "unicode text": "\r\n".join(row.replace(",", "\t") for row in ROWS).encode("utf-16"),
    "quoted": "\n".join('"' + row.replace(",", '","') + '"' for row in ROWS).encode(),
    "spaces": "\n".join(row.replace(",", "  ") for row in ROWS).encode(),
    "pandas": "\n".join([f",{HEADER}", *(f"{n},{row}" for n, row in enumerate(ROWS))]).encode(),
    "pandas without names": "\n".join(
        [",0,1,2,3,4,5,6,7,8", *(f"{n},{row}" for n, row in enumerate(ROWS))]
    ).encode(),
    "comment": "\n".join(["# made by a tool", f"# {HEADER}", *ROWS]).encode(),
    "other order and corners": "\n".join(
        ["score,xmin,ymin,xmax,ymax,track_id,frame_id,note"]
        + [
            f"{conf},{x},{y},{float(x) + float(w)},{float(y) + float(h)},{person},{frame},seen"
            for frame, person, x, y, w, h, conf, *_ in (row.split(",") for row in ROWS)
        ]
    ).encode(),
}


@pytest.mark.parametrize("name", TABLES)
def test_tables_of_other_programs_say_the_same(tmp_path: Path, name: str) -> None:
    path = tmp_path / "boxes.csv"
    path.write_bytes(TABLES[name])
    file = read_boxes(path)
    assert (file.tracked, dict(file.ignored), file.notes) == (True, {}, [])
    assert {frame: found.ids.tolist() for frame, found in file.frames.items()} == {0: [1, 2], 1: [1, 2]}
    assert file.frames[1].boxes[0].tolist() == [102, 120.5, 142, 220.5]
    assert file.frames[1].scores.tolist() == pytest.approx([0.9, 0.9])


def test_people_are_class_0_where_coco_counts(tmp_path: Path) -> None:
    lines = ["1,1,5,5,10,20,.9,0,1", "1,2,5,5,10,20,.9,2,1", "2,1,5,5,10,20,.9,0,1"]
    file = read_boxes(write(tmp_path / "coco.txt", "\n".join(lines)))
    assert [found.ids.tolist() for found in file.frames.values()] == [[1], [1]]
    assert dict(file.ignored) == {"not a pedestrian": 1}
    assert "class 0" in file.notes[0]


def test_people_may_be_called_by_name(tmp_path: Path) -> None:
    lines = [HEADER, "1,1,5,5,10,20,.9,Person,1", "1,2,5,5,10,20,.9,car,1"]
    assert dict(read_boxes(write(tmp_path / "a.csv", "\n".join(lines))).ignored) == {"not a pedestrian": 1}


def test_frames_count_from_0_where_there_is_a_frame_0(tmp_path: Path) -> None:
    file = read_boxes(write(tmp_path / "a.txt", "0,1,5,5,10,20,1\n1,1,5,5,10,20,1"))
    assert sorted(file.frames) == [0, 1]
    assert "count from 0" in file.notes[0]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("boxes") / "gt.txt"
    path.write_bytes(content)
    try:
        file = read_boxes(path)
    except MalformedImport:
        return
    assert sum(file.ignored.values()) + sum(len(found.ids) for found in file.frames.values()) > 0


def test_identities_become_tracklets(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    boxes = write(tmp_path / "gt.txt", truth_lines(tracked=True))
    report = import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings)
    assert report.video.tracklet_count == 3
    for number, walker in enumerate((CROWD[0], CROWD[2], CROWD[1])):
        tracklet = sqlite_gallery.catalogue.tracklet(f"{report.video.id}-{number}", with_boxes=True)
        assert tracklet.boxes is not None
        assert tracklet.boxes["frame"].tolist() == list(range(walker.enters, walker.leaves))
        assert tracklet.start_us == walker.enters * 100_000
    assert import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings).already


def test_boxes_can_be_corrected_by_importing_others(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    wrong = write(tmp_path / "gt.txt", "\n".join(f"{n},1,10,20,30,40,1" for n in range(1, 20)))
    first = import_boxes(sqlite_gallery, TinyEmbedder(), recording, wrong, settings)
    assert (first.already, first.video.tracklet_count) == (False, 1)

    damaged = write(tmp_path / "damaged.txt", truth_lines(tracked=True) + "\n99,1,5,5,20,40,1")
    with pytest.raises(MalformedImport, match="frame 99"):
        import_boxes(sqlite_gallery, TinyEmbedder(), recording, damaged, settings)
    assert sqlite_gallery.catalogue.video(first.video.id).tracklet_count == 1

    right = write(tmp_path / "gt.txt", truth_lines(tracked=True))
    second = import_boxes(sqlite_gallery, TinyEmbedder(), recording, right, settings)
    assert (second.already, second.video.tracklet_count) == (False, 3)
    assert "replaced" in second.summary()
    assert sqlite_gallery.snapshot(TinyEmbedder().id).tracklet_count == 3
    assert import_boxes(sqlite_gallery, TinyEmbedder(), recording, right, settings).already


def test_boxes_do_not_replace_what_a_detector_found(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    index_video(sqlite_gallery, TinyEmbedder(), ColourDetector(), recording, settings)
    boxes = write(tmp_path / "gt.txt", "\n".join(f"{n},1,10,20,30,40,1" for n in range(1, 20)))
    assert import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings).already
    assert sqlite_gallery.catalogue.videos()[0].tracklet_count == 3


def test_lines_left_out_are_said_in_the_result(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    boxes = write(tmp_path / "gt.txt", truth_lines(tracked=True) + "\n80,1,5,5,0,40,1,-1,-1,-1")
    report = import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings)
    assert "left out 1 line of boxes: 1 with a box without area (first: line 156)" in report.summary()


def test_boxes_without_identities_are_tracked(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    # Scores as a detector with a scale of its own would give them.
    boxes = write(tmp_path / "det.txt", truth_lines(tracked=False, tail="37.5,-1,-1,-1"))
    report = import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings)
    assert report.video.tracklet_count == 3
    assert report.counters["detections"] == 60 + 35 + 60


def test_boxes_outside_the_picture_are_kept_or_counted(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    lines = [f"{n},1,-20,50,40,80,1\n{n},2,900,50,40,80,1" for n in range(1, 20)]
    boxes = write(tmp_path / "gt.txt", "\n".join(lines))
    report = import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings)
    assert report.video.tracklet_count == 1
    assert report.counters["never_in_the_picture"] == 1


def test_boxes_are_in_pixels_as_coded_and_become_those_of_the_pictures(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    """Others count in the pixels of the file, whatever shape these have."""
    boxes = write(tmp_path / "gt.txt", truth_lines(tracked=True))
    wide = replace(recording, pixel_aspect=2.0)
    report = import_boxes(sqlite_gallery, TinyEmbedder(), wide, boxes, settings)
    assert (report.video.width, report.video.height) == (640, 240)
    tracklet = sqlite_gallery.catalogue.tracklet(f"{report.video.id}-0", with_boxes=True)
    assert tracklet.boxes is not None
    left, top, right, bottom = CROWD[0].box(0)
    first = tracklet.boxes[0]
    assert [float(first[name]) for name in "xywh"] == [2 * left, top, 2 * (right - left), bottom - top]


def test_boxes_of_another_video_are_refused(
    sqlite_gallery: Gallery, recording: Recording, settings: IndexSettings, tmp_path: Path
) -> None:
    before = contents(sqlite_gallery)
    boxes = write(tmp_path / "gt.txt", truth_lines(tracked=True) + "\n81,1,5,5,20,40,1,-1,-1,-1")
    with pytest.raises(MalformedImport, match=r"frame 81, but .* has 80 frames"):
        import_boxes(sqlite_gallery, TinyEmbedder(), recording, boxes, settings)
    assert contents(sqlite_gallery) == before


def crop_folder(root: Path) -> CropFolder:
    """Three people; the first on two cameras."""
    rng = np.random.default_rng(3)
    tracklets = [("0001", 1, RED, 40), ("0001", 2, RED, 5), ("0002", 1, GREEN, 12), ("00-1", 1, BLUE, 3)]
    for person, camera, colour, frames in tracklets:
        folder = root / "bbox_test" / person
        folder.mkdir(parents=True, exist_ok=True)
        for frame in range(1, frames + 1):
            noise = rng.integers(-20, 20, (128, 64, 3))
            picture = np.clip(np.array(colour) + noise, 0, 255).astype(np.uint8)
            name = f"{person}C{camera}T0001F{frame:03d}.jpg"
            Image.fromarray(picture).save(folder / name, quality=95)
    return CropFolder(root, "mars-", START)


def test_crop_folders_become_one_video_a_camera(
    sqlite_gallery: Gallery, settings: IndexSettings, tmp_path: Path
) -> None:
    embedder = TinyEmbedder()
    folder = crop_folder(tmp_path / "mars")
    settings = settings.model_copy(update={"clip_frames": 32})
    first, second = import_crops(sqlite_gallery, embedder, folder, settings)
    assert [first.video.tracklet_count, second.video.tracklet_count] == [3, 1]
    cameras = [camera.name for camera in sqlite_gallery.catalogue.cameras()]
    assert cameras == ["mars-1", "mars-2"]
    assert (first.video.width, first.video.height, first.video.start_time) == (64, 128, START)
    assert first.video.duration_us == 40 * 40_000
    tracklets = sqlite_gallery.catalogue.tracklets_of(first.video.id)
    assert [t.frame_count for t in tracklets] == [3, 40, 12]  # 00-1, 0001, 0002
    assert [clip.frame_count for clip in tracklets[1].clips] == [32, 8]
    probe = np.full((128, 64, 3), GREEN, dtype=np.uint8)
    ranking = sqlite_gallery.snapshot(embedder.id).search(embedder.embed_images([probe])[0], limit=1)
    assert ranking.hits[0].tracklet_id == f"{first.video.id}-2"
    assert all(report.already for report in import_crops(sqlite_gallery, embedder, folder, settings))


def test_what_a_mac_leaves_in_an_archive_is_not_looked_at(tmp_path: Path) -> None:
    folder = crop_folder(tmp_path / "mars")
    before = scan(folder.root)
    for name in ("__MACOSX/bbox_test/0001/._0001C1T0001F001.jpg", "bbox_test/0001/._0001C1T0001F002.jpg"):
        hidden = folder.root / name
        hidden.parent.mkdir(parents=True, exist_ok=True)
        hidden.write_bytes(b"Mac OS X")
    assert scan(folder.root) == before


def test_a_bad_crop_or_name_is_left_out_and_said(
    sqlite_gallery: Gallery, settings: IndexSettings, tmp_path: Path
) -> None:
    folder = crop_folder(tmp_path / "mars")
    person = folder.root / "bbox_test" / "0001"
    (person / "0001C1T0001F041.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (person / "0003C1T0001F001.jpg").write_bytes(b"\xff\xd8\xff no picture")
    (person / "holiday.jpg").write_bytes(b"\xff\xd8\xff")
    first, second = import_crops(sqlite_gallery, TinyEmbedder(), folder, settings)
    assert [first.video.tracklet_count, second.video.tracklet_count] == [3, 1]
    assert (first.video.frames_decoded, first.video.frames_bad) == (55, 2)
    said = "; ".join(first.warnings)
    assert "left out 1 crop not named like" in said
    assert "(first: holiday.jpg)" in said
    assert "left out 2 crops that cannot be read (first: 0001C1T0001F041.jpg)" in said


def test_a_camera_of_which_no_crop_can_be_read_leaves_nothing(
    sqlite_gallery: Gallery, settings: IndexSettings, tmp_path: Path
) -> None:
    folder = crop_folder(tmp_path / "mars")
    bad = folder.root / "bbox_test" / "0001" / "0001C1T0001F001.jpg"
    for path in folder.root.rglob("*C1T*.jpg"):
        path.write_bytes(b"\xff\xd8\xff no picture")
    with pytest.raises(MalformedImport, match="no crop of camera 1"):
        import_crops(sqlite_gallery, TinyEmbedder(), folder, settings)
    assert sqlite_gallery.catalogue.videos() == []
    assert sqlite_gallery.catalogue.cameras() == []
    assert list(sqlite_gallery.data_dir.glob("staging/*")) == []
    cameras = {1: scan(folder.root).cameras[1]}
    with pytest.raises(MalformedImport, match="not a readable image"):
        import_tracklets(sqlite_gallery, TinyEmbedder(), folder, cameras, settings)
    with pytest.raises(MalformedImport, match="not a folder"):
        import_crops(sqlite_gallery, TinyEmbedder(), replace(folder, root=bad), settings)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MalformedImport, match="no crops"):
        scan(tmp_path / "empty")
