"""An answer that asks an earlier search again, compared with the answer then."""

from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, replace
from typing import Any

from gallery import (
    ErasedHit,
    Filters,
    Gallery,
    Notice,
    NoticeCode,
    Ranking,
    RecordedHit,
    RepeatOn,
    SearchInfo,
    SearchRepeat,
    Snapshot,
)


@dataclass(frozen=True, slots=True)
class Repeat:
    """The search that is asked again, and where."""

    first: SearchInfo
    on: RepeatOn

    def snapshot(self, gallery: Gallery, model_id: str) -> Snapshot:
        """Return what is searched this time."""
        return gallery.snapshot(model_id) if self.on is RepeatOn.NOW else gallery.snapshot_of(self.first)

    @property
    def is_exact(self) -> bool:
        """Whether each tracklet is compared this time: clusters of then may be gone, others may be there."""
        return self.on is RepeatOn.SNAPSHOT

    def coverage(self, ranking: Ranking) -> dict[str, Any] | None:
        """Return the coverage statement of the snapshot: what it said then; None for a search of now."""
        if self.on is RepeatOn.NOW:
            return None
        exactly = {"exact": True, "recall": 1.0, "tracklets_approximate": 0}
        return {**self.first.coverage, **exactly, "tracklets_compared": ranking.compared}

    def compare(
        self, gallery: Gallery, hits: Sequence[RecordedHit], ranking: Ranking, filters: Filters
    ) -> tuple[list[RecordedHit], SearchRepeat]:
        """Return the hits, those marked that could not be found then, and how the answers compare."""
        then = gallery.searched_videos(self.first)
        unreadable = then & {video_id for segment in ranking.damaged for video_id in segment.video_ids}
        erased, damaged, left = [], [], []
        for rank, hit in enumerate(self.first.hits, start=1):
            if _video(hit) not in then:
                erased.append(ErasedHit(rank, hit.tracklet_id))
            elif _video(hit) in unreadable:
                damaged.append(ErasedHit(rank, hit.tracklet_id))
            else:
                left.append(hit.tracklet_id)
        said = SearchRepeat(search_id=self.first.id, on=self.on, erased=erased, damaged=damaged)
        if self.on is RepeatOn.NOW:
            marked = [replace(hit, new=_video(hit) not in then) for hit in hits]
            return marked, replace(said, new_hits=sum(hit.new for hit in marked))
        gone = max(0, int(self.first.coverage.get("tracklets_compared", 0)) - ranking.compared)
        lost = min(gone, _tracklets(gallery, self.first.model_id, unreadable, filters))
        same = [hit.tracklet_id for hit in hits[: len(left)]] == left
        compared = replace(said, same_ranking=same, erased_tracklets=gone - lost, damaged_tracklets=lost)
        return list(hits), compared


def _tracklets(gallery: Gallery, model_id: str, video_ids: Set[str], filters: Filters) -> int:
    """Count the tracklets of some videos that pass the filters."""
    if not video_ids:
        return 0
    within = replace(filters, video_ids=frozenset(video_ids))
    return sum(camera.tracklets for camera in gallery.catalogue.coverage(within, model_id).cameras)


def notices_of(first: SearchInfo, repeat: SearchRepeat) -> Iterator[Notice]:
    """Say what makes an answer differ from that of `first`, where it is not what one would expect."""
    if repeat.erased:
        yield Notice(
            NoticeCode.EARLIER_ERASED,
            f"Hits of the earlier answer that were erased or indexed anew since: {len(repeat.erased)} "
            f"({_ranks(repeat.erased)}).",
        )
    if repeat.erased_tracklets:
        yield Notice(
            NoticeCode.EARLIER_ERASED,
            f"Of the sightings compared then, {repeat.erased_tracklets} were erased or indexed anew since.",
        )
    if repeat.damaged:
        yield Notice(
            NoticeCode.EARLIER_DAMAGED,
            f"Hits of the earlier answer whose index is damaged: {len(repeat.damaged)} "
            f"({_ranks(repeat.damaged)}). Nothing was erased: `sightline repair` makes it anew.",
        )
    if repeat.damaged_tracklets:
        yield Notice(
            NoticeCode.EARLIER_DAMAGED,
            f"Of the sightings compared then, {repeat.damaged_tracklets} have a damaged index.",
        )
    if repeat.same_ranking is False and not first.coverage.get("exact", True):
        yield Notice(
            NoticeCode.ORDER_CHANGED,
            "The ranking is not that of the earlier answer, which did not compare all sightings one by one. "
            "This one does: hits that it has in between were missed then.",
        )
    elif repeat.same_ranking is False:
        yield Notice(
            NoticeCode.ORDER_CHANGED,
            "The ranking is not that of the earlier answer: what is gone or damaged takes part in no "
            "camera's average any more, or recordings were corrected since.",
        )


def _ranks(hits: Sequence[ErasedHit]) -> str:
    return "rank " + ", ".join(str(hit.rank) for hit in hits[:20]) + (", ..." if len(hits) > 20 else "")


def _video(hit: RecordedHit) -> str:
    return hit.tracklet_id.partition("-")[0]
