"""What would change with another model, on the panel of models."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import expect

from gallery import ModelInfo, Verdict
from tests.browser.conftest import Visit
from tests.browser.fakes import ColourEmbedder
from tests.browser.running import Site, running_site
from tests.browser.scenes import RED_COAT, Pixels
from tests.browser.test_layout import FAINT
from tests.service.test_shadow import embed_alike


class Mistaken(ColourEmbedder):
    """Takes red for blue on photos."""

    id = "f" * 64
    name = "night-shift"

    def embed_images(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        return super().embed_images([crop[..., ::-1] for crop in crops])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own, with another model that all videos are embedded with."""
    folder: Path = tmp_path_factory.mktemp("shadow-site")
    (folder / "source").mkdir()
    (folder / "source" / "card.json").write_text("{}")
    with running_site(folder, (320, 240), compare_searches=True) as running:
        info = ModelInfo(Mistaken.id, Mistaken.name, Mistaken.dimension, {"name": Mistaken.name})
        running.gallery.models.add(info, folder / "source")
        embed_alike(running.gallery, ColourEmbedder.id, info)
        yield running


@pytest.mark.long
def test_what_would_change_is_told_before_a_model_is_used(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.networks.load_embedder", lambda settings: Mistaken())
    gallery = visit.site.gallery
    visit.open()
    visit.search(RED_COAT)
    (search,) = gallery.searches.recent(5)
    gallery.marks.set(search.id, search.hits[0].tracklet_id, Verdict.MATCH)
    page = visit.page
    page.get_by_role("button", name="Administration").click()
    page.get_by_role("button", name="Models").click()
    model = page.locator(".model", has_text="night-shift")
    model.get_by_role("button", name="What would change?").click()
    report = model.get_by_role("group", name="What would change with night-shift")
    expect(report).to_be_focused()
    expect(report).to_contain_text("Searches that both models answered: 1 of the last 1.")
    same = report.get_by_role("row", name="Same first hit")
    expect(same.locator("td")).to_have_text(["0.0 %", "\N{EN DASH}"])
    rank = report.get_by_role("row", name="Median rank of 1 hit marked as the person, on 1 search")
    expect(rank.locator("td").first).to_have_text("1")
    assert page.evaluate(FAINT) == []
    assert gallery.searches.recent(5) == [search], "nothing was recorded"

    page.route(
        "**/shadow",
        lambda route: route.fulfill(status=409, json={"title": "No", "detail": "Not now.", "status": 409}),
    )
    visit.forgive("409")
    model.get_by_role("button", name="What would change?").click()
    expect(model.get_by_role("alert")).to_contain_text("Not now.")
