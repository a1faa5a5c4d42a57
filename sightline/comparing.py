"""Two models asked for the same people, before one takes the place of the other."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gallery import NotFound
from sightline.adapt import gate_rows
from sightline.console import output, print_line, print_table, read_settings
from sightline.failures import CommandError

if TYPE_CHECKING:
    from gallery import Comparison, Gallery, RegisteredModel
    from models.embedder import Embedder
    from service.pixels import Pixels

PROBES: Final = 200


def compare(
    gallery: "Gallery", old: "RegisteredModel", new: "RegisteredModel", probes: int, data_dir: Path | None
) -> "list[Comparison]":
    """By tracklets, and by recent searches where SIGHTLINE_COMPARE_SEARCHES allows to use their photos."""
    from service.settings import ServiceSettings

    for model in (old, new):
        if not model.tracklets:
            remedy = f"`sightline reindex --model {model.name}` does it"
            raise CommandError(f"nothing is embedded with {model.name}", remedy)
    found = [gallery.compare(old.id, new.id, probes=probes)]
    settings = read_settings(ServiceSettings, data_dir=data_dir)
    if settings.compare_searches:
        crops = _recent_crops(gallery, probes)
        detail = {"old": old.id, "new": new.id, "photos": len(crops)}
        gallery.audit.record("models.compare", detail=detail)
        first, second = (_embedder(model, settings.device) for model in (old, new))
        features = list(zip(first.embed_images(crops), second.embed_images(crops), strict=True))
        found.append(gallery.compare_features(old.id, new.id, features))
    return found


def show(old: "RegisteredModel", new: "RegisteredModel", found: "Sequence[Comparison]") -> None:
    """Print what would change."""
    print_line(f"{new.name} ({new.id[:12]}) instead of {old.name} ({old.id[:12]}):")
    print_table(
        [
            {
                "probes": f"{one.count} {one.probes}",
                "first ten in common": _percent(one.overlap),
                "same first": _percent(one.same_first),
                "median rank of the old first": _plain(one.median_rank),
                "old first not in the first ten": _percent(one.lost_first),
            }
            for one in found
        ]
    )
    halves = [
        {
            "other half of a tracklet": name,
            "rank-1": _percent(half.rank_1),
            "rank-10": _percent(half.rank_10),
            "mAP": _percent(half.map),
        }
        for one in found
        for name, half in ((old.name, one.before), (new.name, one.after))
        if half is not None
    ]
    if halves:
        print_table(halves)
    else:
        output.print("No tracklet has two clips: how well each finds the other half of one is not known.")
    for model in (old, new):
        if gate := model.card.get("adaptation", {}).get("gate"):
            print_line(f"{model.name} was adapted; its gate, before and after:")
            print_table(gate_rows(gate))


def _recent_crops(gallery: "Gallery", limit: int) -> "list[Pixels]":
    """The people that the last searches by photo looked for; photos that were removed are left out.

    A refined search asks for the photos of the one before it, which count once.
    """
    from service import persons
    from service.probing import probe_pixels

    crops = []
    recent = (search.query for search in gallery.searches.recent(limit))
    for asked in (probe for query in recent if query.refined is None for probe in query.probes):
        if asked.id is None or asked.box is None:
            continue
        try:
            probe = gallery.probes.get(asked.id)
            crops.append(persons.crop(probe_pixels(probe), asked.box, (probe.width, probe.height)))
        except NotFound:
            continue
    return crops


def _embedder(model: "RegisteredModel", device: str) -> "Embedder":
    from models import zoo
    from models.embedder import Embedder

    return Embedder(zoo.load(model.name if model.folder is None else str(model.folder)), device=device)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _plain(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"
