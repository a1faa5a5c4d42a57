"""Recordings in an object store: what may be named, and what is read of it."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from gallery import ObjectSettings, ObjectsUnavailable, ObjectUnusable, Places
from gallery.disk import objects as objects_module
from tests.objects import BUCKET, ROOT, SECRET, Store
from tests.waiting import until

PIECE = 1 << 16


@pytest.fixture
def places(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Places]:
    """Opens what is in the store, in small pieces."""
    monkeypatch.setattr(objects_module, "PIECE_BYTES", PIECE)
    opened = Places(store.settings(), tmp_path)
    yield opened
    opened.close()


def read(places: Places, url: str, **how: object) -> bytes:
    with places.at_hand(url, **how) as found:  # type: ignore[arg-type]
        assert found.size == found.path.stat().st_size
        return found.path.read_bytes()


def copies(folder: Path) -> list[Path]:
    return list(folder.rglob("*.copy"))


def test_an_object_is_read_as_it_is_and_leaves_nothing(places: Places, store: Store, tmp_path: Path) -> None:
    content = bytes(range(256)) * 1000
    url = store.put("site/gate/a film (1) ä%2f.mp4", content)
    with places.at_hand(url) as found:
        assert found.path.read_bytes() == content
        assert found.path.stat().st_mode & 0o777 == 0o400
        assert found.path.parent.stat().st_mode & 0o077 == 0
        first = found.stamp
        with places.at_hand(url) as again:  # who comes second reads the same copy
            assert again.path == found.path
        assert found.path.exists()
    assert not copies(tmp_path)
    store.put("site/gate/a film (1) ä%2f.mp4", content[::-1])
    with places.at_hand(url) as other:
        assert (other.stamp != first, other.path.read_bytes()) == (True, content[::-1])
    with places.ends(url, places.objects.state(url)) as ends:
        assert ends.read_bytes() == content[::-1]
    file = tmp_path / "a.mp4"
    file.write_bytes(b"a file")
    with places.at_hand(str(file)) as found:
        assert found.path == file


@pytest.mark.parametrize(
    "url",
    [
        "s3://secrets/site/key.mp4",
        f"s3://{BUCKET}/other/a.mp4",
        f"s3://{BUCKET}/sites/a.mp4",
        f"{ROOT}../other/a.mp4",
        f"{ROOT}x/../../other/a.mp4",
        f"{ROOT}./a.mp4",
        f"{ROOT}/a.mp4",
        f"{ROOT}a.mp4?versionId=1",
        f"{ROOT}a.mp4#t=3",
        f"{ROOT}*.mp4",
        f"{ROOT}a\\b.mp4",
        f"{ROOT}a\nb.mp4",
        f"{ROOT}{'x' * 1025}",
        ROOT,
        f"s3://{BUCKET}",
        f"s3://{BUCKET}/",
        "s3://",
        "s3:///site/a.mp4",
        "s3://user:password@recordings/site/a.mp4",
        "s3://169.254.169.254:80/site/a.mp4",
        "s3://arn:aws:s3:us-east-1:1:accesspoint/x/site/a.mp4",
        "file:///etc/passwd",
        "http://169.254.169.254/latest/meta-data",
        "S3://recordings/site/a.mp4",
        "/etc/passwd",
        "",
    ],
)
def test_what_is_not_below_the_roots_is_not_asked_for(url: str, tmp_path: Path) -> None:
    places = Places(ObjectSettings(object_roots=(ROOT,), object_endpoint="http://127.0.0.1:9"), tmp_path)
    with pytest.raises(ObjectUnusable):
        places.objects.state(url)
    nothing = Places(ObjectSettings(object_roots=()), tmp_path)
    with pytest.raises(ObjectUnusable, match="SIGHTLINE_OBJECT_ROOTS"):
        nothing.objects.state(f"{ROOT}a.mp4")


@pytest.mark.parametrize(
    "wrong",
    [
        {"object_roots": "recordings/site"},
        {"object_roots": "s3://Recordings/"},
        {"object_roots": "s3://"},
        {"object_roots": "s3://recordings/a/../b"},
        {"object_roots": "s3://key:secret@recordings/"},
        {"object_endpoint": "ftp://host"},
        {"object_endpoint": "https://key:secret@host"},
        {"object_endpoint": "host:9000"},
    ],
)
def test_settings_that_would_open_more_than_was_meant_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ObjectSettings.model_validate(wrong)
    roots = ObjectSettings.model_validate({"object_roots": "s3://recordings, s3://other/a/ ,"}).object_roots
    assert roots == ("s3://recordings/", "s3://other/a/")


def test_objects_that_vanish_are_replaced_or_do_not_fit(places: Places, store: Store, tmp_path: Path) -> None:
    url = store.put("site/b.mp4", b"b" * 3 * PIECE)
    state = places.objects.state(url)
    pieces = places.objects.pieces(url, state, [(0, state.size)])
    assert next(pieces) == b"b" * PIECE
    store.put("site/b.mp4", b"c" * 3 * PIECE)
    with pytest.raises(ObjectUnusable, match="replaced while it was read"):
        next(pieces)
    with pytest.raises(ObjectUnusable, match="replaced while it was read"):
        next(places.objects.pieces(url, state, [(0, 1)]))
    with pytest.raises(ObjectUnusable, match="replaced after it was filed"):
        read(places, url, filed=state.filed)
    small = Places(store.settings(max_object_bytes=PIECE), tmp_path)
    with pytest.raises(ObjectUnusable, match="SIGHTLINE_MAX_OBJECT_BYTES"):
        read(small, url)
    small.close()
    store.remove(url)
    for missing in (url, f"{ROOT}gone/", store.put("site/empty.mp4", b"")):
        with pytest.raises(ObjectUnusable):
            read(places, missing)
    assert not places.is_there(url)
    assert not copies(tmp_path)


def test_a_store_that_is_away_is_said_in_one_line(places: Places, store: Store, tmp_path: Path) -> None:
    url = store.put("site/c.mp4", b"c" * 3 * PIECE)

    def tick(done: float) -> None:
        if done > 0:
            store.stop()

    try:
        with pytest.raises(ObjectsUnavailable) as broken:
            read(places, url, tick=tick)
        with pytest.raises(ObjectsUnavailable, match="cannot be reached") as away:
            places.objects.state(url)
    finally:
        store.stop()
        store.start()
    for said in (str(broken.value), str(away.value)):
        assert str(store.port) in said
        assert "\n" not in said
        assert SECRET not in said
    assert not copies(tmp_path)
    assert read(places, url) == b"c" * 3 * PIECE


def give(patch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        patch.setenv(name, value)


def test_credentials_that_are_refused_are_a_store_that_is_away(
    places: Places, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = store.put("site/f.mp4", b"f" * 3 * PIECE)
    wrong = {
        "InvalidAccessKeyId": {"AWS_ACCESS_KEY_ID": "nobody"},
        "SignatureDoesNotMatch": {"AWS_SECRET_ACCESS_KEY": SECRET},
        "InvalidToken": {"AWS_SESSION_TOKEN": "expired"},
    }
    with store.guarded() as right:
        for code, variables in wrong.items():
            with monkeypatch.context() as patch:
                give(patch, right | variables)
                with pytest.raises(ObjectsUnavailable, match=rf"needs valid credentials \({code}\)") as said:
                    places.objects.state(url)
                with pytest.raises(ObjectsUnavailable, match="needs valid credentials"):
                    places.objects.check(ROOT)
            assert (SECRET not in str(said.value), str(store.port) in str(said.value)) == (True, True)
        give(monkeypatch, right)
        state = places.objects.state(url)  # new ones are read without a new process
        pieces = places.objects.pieces(url, state, [(0, state.size)])
        next(pieces)
        monkeypatch.setattr("moto.iam.access_control.S3IAMRequest.check_signature", _expired)
        with pytest.raises(ObjectsUnavailable, match=r"needs valid credentials \(SignatureDoesNotMatch\)"):
            list(pieces)


def _expired(request: Any) -> None:
    request._raise_signature_does_not_match()


def test_no_credentials_at_all_are_said_in_one_line(
    places: Places, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    with pytest.raises(ObjectsUnavailable, match=r"needs valid credentials \(NoCredentialsError\)"):
        places.objects.state(store.put("site/g.mp4", b"g"))


@pytest.mark.parametrize("listing", [True, False])
def test_an_object_that_is_refused_alone_is_told_from_all_being_refused(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, listing: bool
) -> None:
    good, refused = store.put("site/h.mp4", b"h"), store.put("site/refused.mp4", b"r")
    others = [refused]
    places = Places(store.settings(), tmp_path, others=lambda: others)
    with store.guarded(listing=listing) as right:
        give(monkeypatch, right)
        if not listing:  # who may not list hears the same of one object as of all
            with pytest.raises(ObjectsUnavailable, match="lets these credentials read nothing"):
                places.objects.state(refused)
            others.append(good)
        with pytest.raises(ObjectUnusable, match="does not let it be read"):
            places.objects.state(refused)
        assert places.objects.state(good).size == 1
    places.close()


def test_one_copies_and_the_others_wait(places: Places, store: Store, tmp_path: Path) -> None:
    url = store.put("site/d.mp4", b"d" * 4 * PIECE)
    begun, go_on, found = threading.Event(), threading.Event(), []

    def slowly(_done: float) -> None:
        begun.set()
        go_on.wait()

    waiting = threading.Event()

    def second(_done: float) -> None:
        waiting.set()

    threads = [
        threading.Thread(target=lambda: found.append(read(places, url, tick=slowly))),
        threading.Thread(target=lambda: found.append(read(places, url, tick=second))),
    ]
    threads[0].start()
    begun.wait()
    threads[1].start()
    until(waiting.is_set)
    assert len(copies(tmp_path)) == 1
    go_on.set()
    for thread in threads:
        thread.join()
    assert found == [b"d" * 4 * PIECE] * 2
    assert not copies(tmp_path)


def test_copies_that_are_kept_make_room_and_go_with_their_video(store: Store, tmp_path: Path) -> None:
    content = b"e" * PIECE
    urls = [store.put(f"site/e{number}.mp4", content) for number in range(3)]
    places = Places(store.settings(max_copies_bytes=2 * PIECE), tmp_path)
    videos = [f"{number:032x}" for number in range(3)]
    for url, video_id in zip(urls, videos, strict=True):
        assert read(places, url, video_id=video_id) == content
    kept = {path.parent.name for path in copies(tmp_path / "cache")}
    assert kept == set(videos[1:])
    places.forget(videos[1])
    assert not (tmp_path / "cache" / videos[1]).exists()
    left = tmp_path / "objects" / "left.copy"  # by a process that died
    left.parent.mkdir()
    left.write_bytes(b"half")
    assert read(places, urls[0]) == content
    assert not left.exists()
    places.close()
