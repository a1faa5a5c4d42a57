"""What a worker does for its gallery between recordings: segments, clusters, rules of retention, anchors."""

import errno
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TypeVar

import structlog

from gallery import (
    CatalogueUnavailable,
    Conflict,
    Gallery,
    GalleryError,
    ObjectsUnavailable,
    VectorsUnavailable,
)
from gallery.errors import StorageFull

T = TypeVar("T")
log = structlog.get_logger()

MANY_SEGMENTS: Final = 64
RULES_SECONDS: Final = 3600.0  # between two looks at the rules of retention
CLUSTER_SECONDS: Final = 600.0  # between two looks for segments without clusters, while there are none
PASSING: Final = (CatalogueUnavailable, ObjectsUnavailable, StorageFull, VectorsUnavailable, OSError)


def passes(error: Exception) -> bool:
    """Whether an error, one of `PASSING`, is one that others mend, for every recording alike."""
    return not isinstance(error, OSError) or error.errno in {errno.ENOSPC, errno.EDQUOT}


class Patiently(Protocol):
    """Does something with the gallery, waiting while its database is away or a disk of it is full."""

    def __call__(self, action: Callable[[], T]) -> T:
        """Do it. Raises what `action` raises, if it goes on for too long."""


class NoUpkeep:
    """Leaves all of it to others."""

    def compact(self) -> None:
        """See Upkeep."""

    def cluster(self) -> None:
        """See Upkeep."""

    def look_after(self) -> None:
        """See Upkeep."""


class Upkeep:
    """Looks after a gallery.

    Args:
        gallery: which.
        worker: its name, for the log.
        patiently: how to ask the gallery.
        stopping: says whether the worker is to stop.
        keep_anchor: writes an anchor of the audit trail where none of the day is; returns where, or None.
    """

    def __init__(
        self,
        gallery: Gallery,
        worker: str,
        patiently: Patiently,
        stopping: Callable[[], bool],
        keep_anchor: Callable[[], Path | None] | None,
    ) -> None:
        self._gallery, self._name, self._patiently = gallery, worker, patiently
        self._stopping, self._keep_anchor = stopping, keep_anchor
        self._compact_at = MANY_SEGMENTS
        self._rules_at = self._cluster_at = 0.0

    def compact(self) -> None:
        """Merge segments when there are many, and next when there are twice as many as are left."""
        if self._patiently(self._gallery.segment_count) < self._compact_at:
            return
        try:
            report = self._gallery.compact()
        except PASSING as error:
            if not passes(error):
                raise
            log.warning("segments not merged", worker=self._name, reason=str(error))
            return  # another time will do
        log.info("segments merged", before=report.segments_before, after=report.segments_after)
        if report.damaged:
            log.warning("damaged segments not merged", worker=self._name, segments=report.damaged)
        self._compact_at = max(MANY_SEGMENTS, 2 * self._patiently(self._gallery.segment_count))

    def cluster(self) -> None:
        """Make the clusters of one large segment, where the gallery is large enough to be searched by them.

        When there are none to make, the next look is some minutes later.
        """
        if time.monotonic() < self._cluster_at:
            return
        try:
            report = self._gallery.cluster()
        except PASSING as error:
            if not passes(error):
                raise
            log.warning("clusters not made", worker=self._name, reason=str(error))
            self._cluster_at = time.monotonic() + CLUSTER_SECONDS
            return  # every search of the segment is exact until another time
        if report.made is None:
            self._cluster_at = time.monotonic() + CLUSTER_SECONDS
        else:
            segment_id, note = report.made
            recall = min((depth.recall for depth in note.depths), default=None)
            log.info("clusters made", segment=segment_id, lists=note.lists, recall=recall)
        if report.removed:
            log.info("clusters removed", segments=report.removed)
        if report.damaged:
            log.warning("damaged segments without clusters", worker=self._name, segments=report.damaged)

    def look_after(self) -> None:
        """Do what the gallery needs now and then: when the work begins, then every hour."""
        if time.monotonic() < self._rules_at:
            return
        self._rules_at = time.monotonic() + RULES_SECONDS
        self._follow_rules()
        try:
            self._gallery.erasures.keep_certificates()
        except (GalleryError, OSError) as error:
            log.warning("certificates of erasures not kept", worker=self._name, reason=str(error))
        if self._keep_anchor is None:
            return
        try:
            if file := self._keep_anchor():
                log.info("anchor of the audit trail kept", worker=self._name, file=str(file))
        except (GalleryError, OSError) as error:  # the recordings do not wait for it
            log.warning("no anchor of the audit trail kept", worker=self._name, reason=str(error))

    def _follow_rules(self) -> None:
        """Erase what the rules of retention do not keep any longer."""
        try:
            while not self._stopping() and (done := self._gallery.erasures.follow_rules()) is not None:
                log.info("rules of retention followed", erasure=done.id, **done.certificate["counts"])
            if self._gallery.erasures.certificates.waiting():  # what was erased leaves the disk by itself
                self._gallery.compact()
        except Conflict as error:
            log.info("rules of retention left to another worker", worker=self._name, reason=str(error))
        except PASSING as error:
            if not passes(error):
                raise
            log.warning("rules of retention not followed", worker=self._name, reason=str(error))
