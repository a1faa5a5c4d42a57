"""What a probe's answer says of the photo, who was chosen on it, and why: with hostile photos, over HTTP."""

import io
from typing import Any

import numpy as np
import pytest
from PIL import Image
from starlette.testclient import TestClient

from gallery import NewSearch, QueriedFilters, QueriedProbe, SearchCalibration, SearchQuery
from service.pixels import Pixels
from tests.service.conftest import Archive, upload
from tests.service.searches.asking import Json, search
from tests.service.videos import BACKGROUND, BLUE, GREEN, RED, encoded, scene

ONE = scene((RED, 100, 60))
TWO = scene((RED, 20, 60), (GREEN, 200, 60))


def saved(image: Image.Image, image_format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


def with_orientation(value: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = value
    return encoded(ONE, "JPEG", exif=exif, quality=95)


def see_through(least: int) -> Image.Image:
    alpha = np.full((240, 320), 255, np.uint8)
    alpha[:20, :20] = least
    return Image.fromarray(np.dstack([ONE, alpha]))


def noise(picture: Pixels, much: int = 6) -> Pixels:
    """As a sensor sees it."""
    grains = np.random.default_rng(0).integers(-much, much + 1, picture.shape)
    return np.clip(picture.astype(int) + grains, 0, 255).astype(np.uint8)


FRAMES = [Image.fromarray(noise(ONE)), Image.fromarray(noise(TWO))]
GREY_16 = Image.fromarray(noise(ONE)[:, :, 1].astype(np.uint16) * 257)


def asked(client: TestClient, file: bytes) -> Json:
    answer = client.post("/v1/probes", files={"file": ("photo", file)})
    assert answer.status_code == 201, answer.text
    found: Json = answer.json()
    return found


def codes(found: Json) -> set[str]:
    return {one["code"] for one in found["notices"]}


@pytest.mark.parametrize(
    ("file", "code", "warns"),
    [
        (with_orientation(6), "turned", False),
        (with_orientation(2), "mirrored", False),
        (saved(see_through(0), "PNG"), "transparent", False),
        (saved(see_through(128), "WEBP", lossless=True), "transparent", False),
        (saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]), "animated", False),
        (saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:]), "animated", False),
        (saved(FRAMES[0].convert("CMYK"), "JPEG", quality=90), "converted", False),
        (encoded(noise(ONE), "JPEG", quality=8), "compressed", True),
        (encoded(ONE), "drawn", False),
        (encoded(scene()), "nobody", True),
        (encoded(noise(TWO)), "several_people", False),
    ],
)
def test_says_how_a_photo_came(shared_client: TestClient, file: bytes, code: str, warns: bool) -> None:
    found = asked(shared_client, file)

    (notice,) = [one for one in found["notices"] if one["code"] == code]
    assert notice["warns"] is warns
    assert (notice["text"] in found["warnings"]) is warns
    assert shared_client.get(f"/v1/probes/{found['id']}").json() == found


def test_says_nothing_of_a_photo_as_it_should_be(shared_client: TestClient) -> None:
    for file in (
        encoded(noise(ONE), "JPEG", quality=90),
        encoded(noise(ONE)),
        saved(FRAMES[0], "WEBP", quality=90),
    ):
        found = asked(shared_client, file)
        assert (found["notices"], found["warnings"]) == ([], [])
        assert [one["quality"]["notices"] for one in found["persons"]] == [[]]
    assert "transparent" not in codes(asked(shared_client, saved(see_through(255), "PNG")))
    assert codes(asked(shared_client, with_orientation(9))) <= {"drawn"}


def test_turned_and_mirrored_are_told_together(shared_client: TestClient) -> None:
    assert {"turned", "mirrored"} <= codes(asked(shared_client, with_orientation(5)))


@pytest.mark.parametrize("size", [(16, 16), (16, 3000), (3000, 16)])
def test_photos_of_strange_sizes_are_judged(shared_client: TestClient, size: tuple[int, int]) -> None:
    picture = np.full((*size, 3), BACKGROUND, np.uint8)
    found = asked(shared_client, encoded(picture))
    assert "nobody" in codes(found)
    answer = search(shared_client, found)
    assert {"nobody", "whole_photo"} <= codes(answer["probe"])


def test_grey_of_16_bits(shared_client: TestClient) -> None:
    found = asked(shared_client, saved(GREY_16, "PNG"))
    answer = search(shared_client, found, probes=[{"probe_id": found["id"], "box": [100, 60, 40, 100]}])
    (grey,) = [one for one in answer["probe"]["notices"] if one["code"] == "grey"]
    assert grey["text"] in answer["warnings"]


def test_says_who_was_chosen_and_why(client: TestClient) -> None:
    probe = upload(client, noise(TWO))

    def chosen(**choice: Any) -> Json:
        found: Json = search(client, probe, probes=[{"probe_id": probe["id"], **choice}])["probe"]
        return found

    first, named, drawn = chosen(), chosen(person=1), chosen(box=[20, 60, 40, 100])
    others = [{"index": n, "box": one["box"]} for n, one in enumerate(probe["persons"])]
    assert (first["selected_by"], first["person"], first["found"]) == ("default", 0, 2)
    assert first["ignored"] == [others[1] | {"reason": "ranked_lower"}]
    assert (named["selected_by"], named["ignored"]) == ("person", [others[0] | {"reason": "not_chosen"}])
    assert (drawn["selected_by"], len(drawn["ignored"])) == ("box", 2)
    for found, warns in ((first, True), (named, False), (drawn, False)):
        (several,) = [one for one in found["notices"] if one["code"] == "several_people"]
        assert several["warns"] is warns
    assert "own_box" in codes(drawn)
    assert "box_apart" not in codes(drawn)
    assert "box_apart" in codes(chosen(box=[20, 60, 40, 30]))
    assert "box_apart" in codes(chosen(box=[0, 0, 320, 240]))


def test_many_people_are_counted_and_a_hundred_listed(client: TestClient) -> None:
    crowd = np.full((120, 10 * 110, 3), BACKGROUND, np.uint8)
    for place in range(105):
        crowd[20:100, 10 * place : 10 * place + 9] = (200, 30, 30)
    found = asked(client, encoded(noise(crowd, 2)))
    (several,) = [one for one in found["notices"] if one["code"] == "several_people"]
    assert several["text"].startswith("105 people were found, of whom 100 are listed.")
    assert (len(found["persons"]), len(search(client, found)["probe"]["ignored"])) == (100, 99)


def test_people_who_are_too_small_are_counted(shared_client: TestClient) -> None:
    picture = scene((BLUE, 100, 60))
    picture[60:160, 250:255] = RED
    (tiny,) = [
        one for one in asked(shared_client, encoded(picture))["notices"] if one["code"] == "tiny_people"
    ]
    assert tiny["text"].endswith(": 1.")


def test_a_box_where_nobody_was_found_rests_on_the_caller_alone(shared_client: TestClient) -> None:
    probe = upload(shared_client, noise(scene()))
    answer = search(shared_client, probe, probes=[{"probe_id": probe["id"], "box": [5, 5, 50, 120]}])
    (own,) = [one for one in answer["probe"]["notices"] if one["code"] == "own_box"]
    assert own["warns"]
    assert own["text"] in answer["warnings"]


def test_what_was_known_stays_with_the_search(client: TestClient) -> None:
    probe = upload(client, noise(TWO))
    answer = search(client, probe)
    client.delete(f"/v1/probes/{probe['id']}")

    again = client.get(f"/v1/searches/{answer['id']}").json()
    assert again["probes"] == answer["probes"]
    assert client.get("/v1/searches").json()["items"][0]["probes"] == answer["probes"]


def test_the_same_photo_again_is_judged_alike_however_it_is_sent(client: TestClient) -> None:
    sent = client.post("/v1/searches/by-photo", files={"file": ("photo", encoded(noise(TWO)))}).json()
    again = client.post(f"/v1/searches/{sent['id']}/again").json()
    # Asked again, the person is one that was named.
    different = {"selected_by", "notices", "ignored", "weight"}
    assert {k: v for k, v in again["probe"].items() if k not in different} == {
        k: v for k, v in sent["probe"].items() if k not in different
    }


def test_a_search_of_before_notices_is_read(client: TestClient, archive: Archive) -> None:
    key_id = client.get("/v1/searches").json() and next(
        event.key_id for event in archive.gallery.audit.events(action="search.list")
    )
    filters = QueriedFilters(None, None, None, None)
    recorded = archive.gallery.searches.add(
        NewSearch(
            key_id=key_id,
            query=SearchQuery(QueriedProbe("a" * 32, None, (1.0, 2.0, 3.0, 4.0)), filters, limit=5),
            model_id="c" * 64,
            model_name="old",
            model_warning=None,
            change=0,
            coverage={
                "cameras": [],
                "not_searched": [],
                "tracklets_compared": 0,
                "exact": True,
                "recall": 1.0,
                "change": 0,
            },
            calibration=SearchCalibration(reason="old"),
            warnings=[],
            hits=[],
        )
    )
    answer = client.get(f"/v1/searches/{recorded.id}").json()
    assert (answer["probe"]["selected_by"], answer["probe"]["found"], answer["horizon_hours"]) == (None,) * 3
    assert (answer["notices"], answer["probe"]["notices"]) == ([], [])
