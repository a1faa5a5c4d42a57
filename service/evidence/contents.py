"""What an evidence package is about, and what it holds of each search besides clips."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from gallery import EventInfo, MarkChange, MarkInfo, NotFound, ProbeInfo, SearchInfo
from service.answer_schemas import HitOut, MarkOut, SearchAnswer
from service.evidence.archive import Part
from service.evidence.media import Media
from service.searches import answers, hit_table
from service.state import State

_PAGE: Final = 1000
_SUFFIXES: Final = {"image/jpeg": ".jpg", "image/png": ".png"}


@dataclass(frozen=True, slots=True)
class Found:
    """A search as a package shows it: the whole answer, its marks' history, and the names of its files."""

    info: SearchInfo
    answer: SearchAnswer
    changes: Sequence[MarkChange]
    photos: Mapping[str, str]

    @property
    def folder(self) -> str:
        """Where its files lie in the package."""
        return f"searches/{self.info.id}"

    def chosen(self, most: int, *, only_confirmed: bool) -> list[HitOut]:
        """The hits that get clips: the first `most` and every marked one, or the confirmed alone."""
        if only_confirmed:
            return [hit for hit in self.answer.hits if hit.mark is not None and is_confirmed(hit.mark)]
        return [hit for hit in self.answer.hits if hit.rank <= most or hit.mark is not None]

    def unconfirmed(self) -> list[HitOut]:
        """The marked hits whose mark no second person confirmed, or one disputed."""
        return [hit for hit in self.answer.hits if hit.mark is not None and not is_confirmed(hit.mark)]


def is_confirmed(mark: MarkInfo | MarkOut) -> bool:
    """Whether a second person agrees with a mark."""
    return mark.confirmation is not None and mark.confirmation.agrees


def gather(state: State, info: SearchInfo, probes: Mapping[str, str], beside: Collection[str] = ()) -> Found:
    """What is known of a search.

    Args:
        state: the service.
        info: the search.
        probes: the names of the photos in the package, by probe id.
        beside: the searches in the package. A refined search has the marks of the one before it: changes of
            those are told there, if it is in the package, and not twice.
    """
    changes = [
        change
        for change in _changes(state, info.id)
        if change.search_id == info.id or change.search_id not in beside
    ]
    return Found(info, answers.whole(state, info), changes[::-1], probes)


def _changes(state: State, search_id: str) -> Iterator[MarkChange]:
    """Every change of the marks of a search, the newest first."""
    before: int | None = None
    while page := state.gallery.marks.history(search_id, before=before, limit=_PAGE):
        yield from page
        before = page[-1].id


def events_about(
    state: State, own: Sequence[str], shared: Sequence[str], owners: Collection[str | None]
) -> Iterator[EventInfo]:
    """What the audit trail says, in the order of its making.

    Args:
        state: the service.
        own: ids of which everything is told.
        shared: ids that belong to everybody, of which only is told what these `owners` did.
        owners: keys; None: the command line.
    """
    subjects, everything, after = list(dict.fromkeys([*own, *shared])), frozenset(own), 0
    while page := state.gallery.audit.about(subjects, after=after, limit=_PAGE):
        yield from (one for one in page if one.subject in everything or one.key_id in owners)
        after = page[-1].id


def probe_ids(info: SearchInfo) -> list[str]:
    """The photos that a search was made with."""
    return list(dict.fromkeys(probe.id for probe in info.query.probes if probe.id is not None))


def search_parts(state: State, found: Found) -> Iterator[Part]:
    """The answer, its hits for a spreadsheet, and its marks with who made them and when."""
    answer = found.answer.model_dump(mode="json", exclude={"next_cursor"})
    yield Part.of_json(f"{found.folder}/answer.json", answer)
    rows = hit_table.rows(found.answer.hits, state.gallery.catalogue)
    yield Part(f"{found.folder}/hits.csv", hit_table.written(rows, hit_table.COLUMNS).encode())
    yield Part.of_json(f"{found.folder}/marks.json", [plain(change) for change in found.changes])


def photo_parts(state: State, media: Media, wanted: Sequence[str], photos: dict[str, str]) -> Iterator[Part]:
    """The photos and what was found on them; fills `photos` with the names of those that are still there."""
    for probe_id in wanted:
        try:
            probe = state.gallery.probes.get(probe_id)
            image = Path(probe.path).read_bytes()
        except (NotFound, OSError):
            media.leave_out("photo", f"probe {probe_id}", "it was deleted")
            continue
        photos[probe_id] = f"probes/{probe_id}{_SUFFIXES.get(probe.media_type, '.bin')}"
        yield Part(photos[probe_id], image)
        yield Part.of_json(f"probes/{probe_id}.json", _probe(probe))


def model_parts(state: State, searches: Sequence[SearchInfo]) -> Iterator[Part]:
    """The models that answered, with their cards."""
    known = {model.id: model for model in state.gallery.catalogue.models()}
    for model_id, search in {search.model_id: search for search in searches}.items():
        model = known.get(model_id)
        facts = {
            "id": model_id,
            "name": search.model_name,
            "warning": search.model_warning,
            "card": None if model is None else model.card,
        }
        yield Part.of_json(f"models/{model_id[:16]}.json", plain(facts))


def plain(value: object) -> Any:
    """A record as JSON values: times in ISO 8601, and nothing that a package's JSON cannot say."""
    if hasattr(value, "__dataclass_fields__"):
        value = asdict(value)  # type: ignore[call-overload]
    if isinstance(value, Mapping):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def event(one: EventInfo) -> dict[str, Any]:
    """A line of the audit trail."""
    said: dict[str, Any] = plain(one)
    return said


def _probe(probe: ProbeInfo) -> dict[str, Any]:
    said = plain(probe)
    return {key: value for key, value in said.items() if key != "path"}
