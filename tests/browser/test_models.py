"""The panel of models: which is in use, another one, and the work on them, over the public API only."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from gallery import ModelInfo
from tests.browser.conftest import Visit
from tests.browser.fakes import ColourEmbedder
from tests.browser.running import Site, running_site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A service of our own with two models, as these tests change which is in use."""
    folder = tmp_path_factory.mktemp("models")
    source = folder / "source"
    source.mkdir()
    (source / "card.json").write_text("{}")
    with running_site(folder, (160, 120)) as running:
        ours = ColourEmbedder()
        running.gallery.models.add(ModelInfo(ours.id, ours.name, ours.dimension, ours.card), source)
        figure = {
            "dataset": "cuhk01",
            "protocol": "i2v",
            "queries": 971,
            "rank": {"1": 0.518},
            "map_standard": 0.619,
        }
        card = {"intended_use": "trying", "limits": ["<i>uniforms</i>"], "figures": [figure, "none"]}
        other = {"name": "other", "warning": "<b>Beware.</b>", **card}
        running.gallery.models.add(ModelInfo("e" * 64, "other", 8, other), source)
        yield running


@pytest.mark.long
def test_models_are_seen_adapted_promoted_and_rolled_back(
    visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.networks.load_embedder", lambda settings: ColourEmbedder())
    page, jobs = visit.page, visit.site.gallery.jobs
    visit.open()
    page.get_by_role("button", name="Administration").click()
    page.get_by_role("button", name="Models").click()
    panel = page.get_by_role("region", name="Models")
    expect(panel.locator(".model")).to_have_count(2)
    other = panel.locator(".model").filter(has_text="Beware")
    ours = panel.locator(".model").filter(has_not_text="Beware")
    expect(other).to_contain_text("<b>Beware.</b>")
    other.get_by_text("Card").click()
    expect(other.locator(".card-of li")).to_have_text("<i>uniforms</i>")
    expect(other.locator(".card-of td")).to_have_text(["cuhk01", "I2V", "cosine", "971", "51.8", "61.9"])
    expect(ours.locator(".card-of")).to_have_count(0)

    # Embedding with another model: filed, and cancelled.
    other.get_by_role("button", name="Index the missing 3 recordings with it").click()
    job = panel.locator("#model-jobs .job").first
    expect(job).to_contain_text("other")

    # Another model in use, and back; it is asked first, and what happens elsewhere leaves the question open.
    ours.get_by_role("button", name="Search with this model").click()
    expect(ours).to_contain_text("Everybody's searches will be answered by")
    with page.expect_response(re.compile(r"/v1/models\b")) as looked:
        job.get_by_role("button", name="Cancel").click()
    looked.value.finished()
    expect(job).to_contain_text("cancelled")
    expect(ours).to_contain_text("Everybody's searches will be answered by")
    ours.get_by_role("button", name="Search with this model").click()
    expect(panel.locator(".model").filter(has_text="in use")).to_have_count(1)
    assert visit.site.gallery.models.promoted() is not None
    panel.get_by_role("button", name="Undo the last change of model").click()
    panel.get_by_role("button", name="Undo the last change of model").click()
    expect(panel.locator(".model").filter(has_text="in use")).to_have_count(0)

    # An adaptation: filed by a form, followed while a worker is at it, judged, its report taken away.
    panel.get_by_role("button", name="Adapt a model to these cameras").click()
    page.get_by_label("Name of the new model").fill("Night Shift")
    page.get_by_role("button", name="Save").click()
    assert jobs.claim("w", lease_seconds=60) is None, "a name that cannot be is not sent"
    page.get_by_label("Name of the new model").fill("night-shift")
    page.get_by_label("Rounds").fill("2")
    page.get_by_role("button", name="Save").click()
    expect(job).to_contain_text("night-shift")
    claim = jobs.claim("w", lease_seconds=60)
    assert claim is not None
    assert (claim.options["name"], claim.options["rounds"], claim.options["hours"]) == (
        "night-shift",
        2,
        None,
    )
    jobs.renew(claim, lease_seconds=60, stage="learning 1/2", progress=0.25)
    expect(job).to_contain_text("learning 1/2, 25 %")
    with visit.site.gallery.adaptations.work("night-shift") as folder:
        (folder / "report.html").write_text("<!doctype html><p>people</p>")
    figure = {"name": "half against half", "before": 0.5, "after": 0.75}
    told: dict[str, Any] = {
        "outcome": "kept",
        "model_id": None,
        "counts": {},
        "figures": [figure],
        "report": "report.html",
    }
    jobs.finish(claim, state="succeeded", reason="The old model stays.", counters=told)
    expect(job).to_contain_text("The old model stays.")
    expect(job.locator("tbody tr")).to_contain_text(["half against half50.0 %75.0 %"])
    with page.expect_download() as taken:
        job.get_by_role("button", name="Report").click()
    assert taken.value.suggested_filename.startswith("sightline-adaptation-")
    assert Path(taken.value.path()).read_text() == "<!doctype html><p>people</p>"
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.long
def test_a_refusal_is_shown_in_the_server_s_words(visit: Visit) -> None:
    visit.forgive("409")
    page = visit.page
    visit.open()
    page.locator("#open-admin").click()
    page.get_by_role("button", name="Models").click()
    panel = page.get_by_role("region", name="Models")
    model = panel.locator(".model").filter(has=page.get_by_role("button", name="Search with this model"))
    model.get_by_role("button").click()
    model.get_by_role("button", name="Search with this model").click()
    # What its folder holds is no model, which the service finds before it lets everybody search with it.
    expect(panel.get_by_role("alert")).to_contain_text("The model cannot be used")
    assert visit.site.gallery.models.promoted() is None
