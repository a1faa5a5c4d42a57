"""Recipes of older versions, as cards and runs that were begun have them, in today's form."""

from collections.abc import Mapping
from typing import Any, Final

SECTIONS: Final = ("losses", "saa", "crf", "cross_modal", "vkd", "alignment", "mix_style")
"""Top-level sections that were one for all systems, or had the name of a system."""

OF_PAIRS: Final = (
    "image_to_video",
    "video_to_image",
    "margin",
    "ramp",
    "feature_propagation",
    "distance_propagation",
    "distance_form",
    "teach_video",
)
PAIRS: Final = frozenset({"tkp", "3d-saa-cmil"})
NECKED: Final = PAIRS | {"vkd", "cross-modality-alignment"}
OWN: Final = {
    "3d-saa-cmil": "saa",
    "crf": "crf",
    "cross-modal": "cross_modal",
    "vkd": "vkd",
    "cross-modality-alignment": "alignment",
}


def upgrade(values: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a recipe's plain values into today's form; those that have it come back as they are.

    Formerly all systems shared one section of losses, in which what a network had not was refused by hand;
    now each system has its own (`system`). What older versions did not know has its default.
    """
    if "system" in values or not any(key in values for key in ("network", *SECTIONS, "branches")):
        return dict(values)
    kept = {key: value for key, value in values.items() if key not in SECTIONS}
    network = kept.pop("network", "tkp")
    pair: dict[str, Any] = {
        key: kept.pop(key) for key in ("branches", "frozen_branches", "video_from_image") if key in kept
    }
    augmentation = dict(kept.get("augmentation") or {})
    if "clean_video" in augmentation:
        pair["clean_video"] = augmentation.pop("clean_video")
        kept["augmentation"] = augmentation
    if values.get("mix_style"):
        pair["mix_style"] = values["mix_style"]
    system = {"network": network, **_terms(network, values.get("losses") or {})}
    system |= _own(network, values.get(OWN.get(network, "")) or {})
    if network in PAIRS:
        system |= pair
    if network != "tkp":  # trains both branches always
        system.pop("branches", None)
        system.pop("video_from_image", None)
    return {**kept, "system": system}


def _own(network: str, section: Mapping[str, Any]) -> dict[str, Any]:
    """What had a section of its own. VKD's temperature is not that of the contrast."""
    own = dict(section)
    if network == "vkd" and "temperature" in own:
        own["distillation_temperature"] = own.pop("temperature")
    return own


def _terms(network: str, losses: Mapping[str, Any]) -> dict[str, Any]:
    """What of the section of losses a network had."""
    if network == "captioner":
        return {}
    shared = ("label_smoothing", "within_world", "classifier_norm")
    kept = {key: losses[key] for key in shared if key in losses}
    if network not in NECKED:
        return kept
    kept |= {key: losses[key] for key in ("neck", "temperature") if key in losses}
    if network == "vkd":
        names = {"video_cross_entropy": "cross_entropy", "video_contrastive": "contrastive"}
        names |= {"video_to_video": "triplet", "margin": "margin"}
        return kept | {ours: losses[theirs] for theirs, ours in names.items() if theirs in losses}
    for branch in ("image", "video"):
        names = {f"{branch}_cross_entropy": "cross_entropy", f"{branch}_contrastive": "contrastive"}
        if network in PAIRS:
            names[f"{branch}_to_{branch}"] = "triplet"
        if terms := {ours: losses[theirs] for theirs, ours in names.items() if theirs in losses}:
            kept[branch] = terms
    if network in PAIRS:
        kept |= {key: losses[key] for key in OF_PAIRS if key in losses}
    return kept
