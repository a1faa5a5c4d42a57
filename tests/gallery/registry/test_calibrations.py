"""Calibrations of the gallery's own: which counts, and back to the model's."""

from pathlib import Path

import pytest

from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.gallery import Gallery
from tests.gallery.making import MODEL
from tests.gallery.registry.test_models import OTHER, folder

FACTS = {"intercept": -1.5, "fitted_on": {"people": 3}}


@pytest.fixture
def kept(gallery: Gallery, tmp_path: Path) -> Gallery:
    gallery.models.add(MODEL, folder(tmp_path, MODEL.name))
    gallery.models.add(OTHER, folder(tmp_path, OTHER.name))
    return gallery


def test_the_last_one_counts_until_all_are_taken_back(kept: Gallery) -> None:
    assert kept.calibrations.current(MODEL.id) is None
    first = kept.calibrations.add(MODEL.id, FACTS)
    second = kept.calibrations.add(MODEL.id, {**FACTS, "intercept": -2}, key_id="k")
    kept.calibrations.add(OTHER.id, FACTS)
    assert kept.calibrations.current(MODEL.id) == second
    assert (second.calibrator["intercept"], second.key_id, second.undone_at) == (-2, "k", None)

    assert kept.calibrations.reset(MODEL.id, key_id="r") == 2
    assert kept.calibrations.current(MODEL.id) is None
    assert kept.calibrations.current(OTHER.id) is not None
    history = kept.calibrations.all(MODEL.id)
    assert [(one.id, one.undone_by) for one in history] == [(second.id, "r"), (first.id, "r")]
    with pytest.raises(Conflict, match="no calibration of its own"):
        kept.calibrations.reset(MODEL.id)

    third = kept.calibrations.add(MODEL.id, FACTS)
    assert third.id > second.id, "numbers in answers stay the names of what they named"
    assert kept.calibrations.current(MODEL.id) == third


def test_each_change_is_in_the_audit_trail(kept: Gallery) -> None:
    made = kept.calibrations.add(MODEL.id, FACTS, key_id="k")
    kept.calibrations.reset(MODEL.id)
    reset, added = kept.audit.events(subject=MODEL.id, limit=2)
    assert (added.action, added.key_id, added.detail) == (
        "calibration.add",
        "k",
        {"calibration": made.id, "learnt_from": {"people": 3}},
    )
    assert (reset.action, reset.detail) == ("calibration.reset", {"calibrations": [made.id]})


def test_what_cannot_be_is_refused_and_changes_nothing(kept: Gallery) -> None:
    for wrong in ({"limit": float("nan")}, {"name": "\0"}, [1]):
        with pytest.raises(InvalidInput):
            kept.calibrations.add(MODEL.id, wrong)  # type: ignore[arg-type]
    with pytest.raises(InvalidInput):
        kept.calibrations.add(MODEL.id, FACTS, key_id="k" * 33)
    for model_id in ("c" * 64, "", "../x"):
        with pytest.raises(NotFound):
            kept.calibrations.add(model_id, FACTS)
        with pytest.raises(NotFound):
            kept.calibrations.reset(model_id)
        assert kept.calibrations.current(model_id) is None
    assert kept.calibrations.all(MODEL.id) == []


def test_it_goes_with_its_model(kept: Gallery) -> None:
    kept.calibrations.add(OTHER.id, FACTS)
    kept.models.remove(OTHER.id)
    assert kept.calibrations.all(OTHER.id) == []
