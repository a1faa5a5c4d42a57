"""Uploads: every byte once, however often the line breaks."""

import asyncio
import errno
import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gallery import NotFound
from service.auth import Caller
from service.errors import ContentTooLarge, OffsetMismatch, StateConflict, StorageFull
from service.uploads import Upload, Uploads

ME, OTHER = Caller("me"), Caller("other")
LIMIT = 5 * 1024 * 1024


@pytest.fixture
def uploads(tmp_path: Path) -> Uploads:
    return Uploads(tmp_path / "uploads", max_bytes=LIMIT, ttl=timedelta(hours=1))


def begin(uploads: Uploads, size_bytes: int | None = None) -> Upload:
    return uploads.create(ME, file_name="a.mp4", size_bytes=size_bytes)


def append(
    uploads: Uploads, upload: Upload, offset: int, *chunks: bytes, then: Exception | None = None
) -> int:
    async def body() -> AsyncIterator[bytes]:
        for chunk in chunks:
            yield chunk
        if then is not None:
            raise then

    return asyncio.run(uploads.append(upload, offset, body()))


def content(uploads: Uploads, upload: Upload) -> bytes:
    return uploads.path(upload).read_bytes()


def forget(upload: Upload) -> bool:
    return False


def test_puts_chunks_together(uploads: Uploads) -> None:
    upload = begin(uploads)
    data = os.urandom(3_000_000)
    assert append(uploads, upload, 0, data[:7], data[7:70_000]) == 70_000
    assert append(uploads, upload, 70_000, data[70_000:]) == len(data)
    assert content(uploads, upload) == data
    assert uploads.get(upload.id, ME) == upload


@pytest.mark.parametrize("offset", [0, 4, 6])
def test_refuses_a_chunk_for_elsewhere(uploads: Uploads, offset: int) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"12345")
    with pytest.raises(OffsetMismatch) as caught:
        append(uploads, upload, offset, b"67890")
    assert caught.value.size == 5
    assert content(uploads, upload) == b"12345"


def test_goes_on_after_a_broken_line(uploads: Uploads) -> None:
    upload = begin(uploads)
    with pytest.raises(ConnectionError):
        append(uploads, upload, 0, b"first ", b"part ", then=ConnectionError())
    assert uploads.size(upload) == 11
    append(uploads, upload, 11, b"rest")
    assert content(uploads, upload) == b"first part rest"


def test_undoes_a_chunk_over_the_limit(uploads: Uploads) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"start")
    with pytest.raises(ContentTooLarge):
        append(uploads, upload, 5, *[bytes(1_000_000)] * 6)
    assert content(uploads, upload) == b"start"


def test_holds_clients_to_the_size_they_announced(uploads: Uploads) -> None:
    with pytest.raises(ContentTooLarge):
        begin(uploads, LIMIT + 1)
    upload = begin(uploads, 4)
    with pytest.raises(ContentTooLarge):
        append(uploads, upload, 0, b"12345")
    assert append(uploads, upload, 0, b"1234") == 4


def test_takes_one_chunk_at_a_time(uploads: Uploads) -> None:
    upload = begin(uploads)

    async def both() -> None:
        async def slow() -> AsyncIterator[bytes]:
            yield b"slow"
            with pytest.raises(StateConflict):
                await uploads.append(upload, 0, slow())

        await uploads.append(upload, 0, slow())

    asyncio.run(both())
    assert content(uploads, upload) == b"slow"


def test_hides_uploads_of_others(uploads: Uploads) -> None:
    upload = begin(uploads)
    for upload_id, caller in [(upload.id, OTHER), ("0" * 32, ME), ("../" + upload.id, ME), ("", ME)]:
        with pytest.raises(NotFound):
            uploads.get(upload_id, caller)


def test_cannot_be_guessed(uploads: Uploads) -> None:
    assert len({begin(uploads).id for _ in range(50)}) == 50


def test_belongs_to_its_job(uploads: Uploads) -> None:
    upload = begin(uploads)
    append(uploads, upload, 0, b"video")
    with uploads.filing([upload]) as belongs_to:
        with pytest.raises(StateConflict):
            append(uploads, uploads.get(upload.id, ME), 5, b"more")
        belongs_to("job")
    filed = uploads.get(upload.id, ME)
    assert filed.job_id == "job"
    assert uploads.expires_at(filed) is None
    with pytest.raises(StateConflict):
        uploads.delete(filed)


def test_is_free_again_when_filing_fails(uploads: Uploads) -> None:
    upload = begin(uploads)
    with pytest.raises(RuntimeError), uploads.filing([upload]):
        raise RuntimeError
    uploads.delete(uploads.get(upload.id, ME))
    with pytest.raises(NotFound):
        uploads.size(upload)


def test_expires_what_was_given_up(uploads: Uploads) -> None:
    given_up, going_on, needed, done = (begin(uploads) for _ in range(4))
    for upload, job_id in ((needed, "needed"), (done, "done")):
        with uploads.filing([upload]) as belongs_to:
            belongs_to(job_id)
    long_ago = time.time() - 2 * 3600
    for upload in (given_up, needed, done):
        os.utime(uploads.path(upload), (long_ago, long_ago))
    assert uploads.expire(lambda upload: upload.job_id == "needed") == 2
    left = {path.stem for path in uploads.path(needed).parent.iterdir()}
    assert left == {going_on.id, needed.id}
    with pytest.raises(NotFound):
        uploads.get(given_up.id, ME)


def test_forgets_what_was_erased_with_its_video(uploads: Uploads) -> None:
    upload = begin(uploads)
    uploads.path(upload).unlink()
    uploads.expire(forget)
    assert list(uploads.path(upload).parent.iterdir()) == []


def test_expires_nothing_where_nothing_is(tmp_path: Path) -> None:
    assert Uploads(tmp_path / "none", max_bytes=1, ttl=timedelta(1)).expire(forget) == 0


def test_says_when_the_disk_is_full(uploads: Uploads, monkeypatch: pytest.MonkeyPatch) -> None:
    upload = begin(uploads)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        append(uploads, upload, 0, b"video")


def test_is_not_filed_while_a_chunk_is_written(uploads: Uploads) -> None:
    upload = begin(uploads)

    async def body() -> AsyncIterator[bytes]:
        yield b"video"
        with pytest.raises(StateConflict), uploads.filing([upload]):
            pass

    asyncio.run(uploads.append(upload, 0, body()))
    assert uploads.get(upload.id, ME).job_id is None
