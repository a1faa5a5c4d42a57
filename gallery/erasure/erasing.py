"""Erasing: one transaction takes all of a plan out of every answer, with its certificate; the files follow.

What was listed is what goes: the plan is made again inside the transaction, and another one than that of the
digest goes nowhere. A process that dies before the commit has erased nothing; one that dies after it has
erased all, and the next sweep removes the files that are left. Vectors that share a segment with others are
masked, and leave the disk when the segment is compacted.
"""

import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from gallery.catalogue.digests import tracklets_digest
from gallery.disk.files import is_full
from gallery.disk.reserve import Reserve
from gallery.erasure import certificates, proof
from gallery.erasure.kept import KeptCertificate, keep_certificates
from gallery.erasure.planning import make_plan
from gallery.erasure.repeating import Repeated
from gallery.erasure.resolving import Resolved
from gallery.erasure.retention import rules_now
from gallery.errors import Conflict, Held, InvalidInput, NotFound, StorageFull, VectorsUnavailable
from gallery.investigation.cases import note_erased_items
from gallery.investigation.probes import probe_file
from gallery.jobs.leases import current_time
from gallery.records.cases import ItemKind
from gallery.records.erasure import ErasureInfo, ErasureKind, ErasurePlan, ErasureTarget
from gallery.sql.case_tables import CaseFile
from gallery.sql.chain import add_event
from gallery.sql.database import Database, batches
from gallery.sql.erasure_tables import Erasure, PartErased, RetentionRule
from gallery.sql.tables import Clip, Probe, Search, SegmentVideo, Tracklet
from gallery.vectors.segments import Segments
from gallery.vectors.snapshots import Snapshots
from gallery.writing.adaptations import Adaptations
from gallery.writing.erase import Leaving, Left, delete_rows, finish_erasure, note_files, video_locks

_WHY: Final = {ErasureKind.RETENTION: "a rule of retention does not keep it for longer"}


@dataclass(frozen=True, slots=True)
class Ordered:
    """Who wants an erasure, and what they have confirmed.

    Attributes:
        digest: of the plan that was listed; None: whatever is there.
        skip_held: leave what legal holds keep, and take the rest.
        key_id: who; None: the command line, or a rule.
        again: the certificate that is repeated, if one is.
    """

    digest: str | None = None
    skip_held: bool = False
    key_id: str | None = None
    again: KeptCertificate | None = None


class Erasures:
    """Plans and carries out erasures, and keeps their certificates.

    Attributes:
        certificates: of all erasures.
        folder: where they are kept as files, too; None: nowhere.
    """

    def __init__(self, database: Database, segments: Segments, snapshots: Snapshots) -> None:
        self._database = database
        self._segments = segments
        self._data_dir = segments.data_dir
        self._snapshots = snapshots
        self._adaptations = Adaptations(database, segments.data_dir)
        self.certificates = certificates.Certificates(database)
        self.folder: Path | None = None

    def plan(self, target: ErasureTarget) -> ErasurePlan:
        """List what an erasure would take; nothing changes.

        Raises:
            NotFound: something that the target names by id is not there.
            InvalidInput: it names nothing, or more than one erasure may take.
        """
        with self._database.read() as session:
            return make_plan(session, target)[0]

    def erase(
        self,
        target: ErasureTarget,
        *,
        digest: str | None = None,
        skip_held: bool = False,
        key_id: str | None = None,
    ) -> ErasureInfo:
        """Erase what a plan lists: no search that begins afterwards finds it.

        On a full disk the room kept back for this is used.

        Args:
            target: what is to be gone.
            digest: of the plan that was listed and confirmed; None: whatever is there now.
            skip_held: leave what legal holds keep, and name it; else nothing goes if anything is held.
            key_id: who does it.

        Returns:
            The erasure with its certificate and its proof.

        Raises:
            NotFound: nothing of the target is there.
            Conflict: another plan than that of the digest would be carried out by now; nothing went.
            Held: a legal hold keeps something of it; nothing went.
            StorageFull: the disk is full, the reserve too; nothing went.
        """
        if target.kind == ErasureKind.RETENTION and target.about is not None:
            raise InvalidInput("a rule that is not set can only be tried")
        return self._erase_surely(target, Ordered(digest, skip_held, key_id))

    def repeat(self, kept: Sequence[KeptCertificate]) -> Repeated:
        """Erase again what certificates name that a restored gallery does not know of.

        Raises:
            Conflict, StorageFull: as of `erase`; what was repeated before stays erased.
        """
        known, passed, absent = self._known(), 0, 0
        erased: list[str] = []
        held: list[str] = []
        for one in kept:
            if one.names & known:
                passed += 1
                continue
            about = {"erasure": one.repeats or one.id, "certificate_sha256": one.sha256}
            target = ErasureTarget(kind=ErasureKind.REPEATED, about=about)
            with self._database.read() as session:
                plan, _ = make_plan(session, target, one)
            if plan.held:
                held.append(one.id)
            elif plan.empty:
                absent += 1
            if not plan.empty:
                done = self._erase_surely(target, Ordered(plan.digest, skip_held=True, again=one))
                erased.append(done.id)
            known |= one.names
        return Repeated(erased, passed, absent, held)

    def keep_certificates(self) -> int:
        """Write the certificates that their folder lacks; returns how many.

        Raises:
            OSError: it cannot be written.
        """
        return 0 if self.folder is None else keep_certificates(self.certificates, self.folder)

    def _known(self) -> set[str]:
        """The erasures that the gallery knows of: its own, and those that it repeated."""
        known = set(self.certificates.ids())
        query = select(Erasure.certificate).where(Erasure.kind == ErasureKind.REPEATED.value)
        with self._database.read() as session:
            return known | {one["target"]["about"]["erasure"] for one in session.scalars(query)}

    def _erase_surely(self, target: ErasureTarget, order: Ordered) -> ErasureInfo:
        """Erase; on a full disk with the room kept back for this."""
        reserve = Reserve(self._data_dir)
        try:
            return self._erase(target, order)
        except (StorageFull, OSError) as error:
            if not (isinstance(error, StorageFull) or is_full(error)):
                raise
            if not reserve.spend():
                raise StorageFull("the disk is full: nothing was erased") from error
            done = self._erase(target, order)
            reserve.keep()
            return done

    def follow_rules(self, *, key_id: str | None = None) -> ErasureInfo | None:
        """Erase what the rules of retention do not keep any longer, at most 1000 of each kind.

        What legal holds keep stays, and the certificate names it. None: nothing was due.

        Raises:
            Conflict: somebody else was at it; nothing went.
            StorageFull: the disk is full, the reserve too; nothing went.
        """
        target = ErasureTarget(kind=ErasureKind.RETENTION)
        with self._database.read() as session:
            if session.scalar(select(RetentionRule.id).limit(1)) is None:
                return None
        plan = self.plan(target)
        if plan.empty:
            return None
        return self.erase(target, digest=plan.digest, skip_held=True, key_id=key_id)

    def _erase(self, target: ErasureTarget, order: Ordered) -> ErasureInfo:
        with self._database.read() as session:
            plan, found = make_plan(session, target, order.again)
        _require(plan, order)
        erasure_id, leaving = secrets.token_hex(16), _leaving(found)
        with video_locks(self._data_dir, leaving.touched):
            sample = proof.take_sample(self._database, self._segments, leaving)
            for row in found.videos.values():
                note_files(self._data_dir, row, erasure_id, None)
            for video_id in sorted({*found.parts, *found.cuts}):
                note_files(
                    self._data_dir, found.stay[video_id], erasure_id, leaving.numbers.get(video_id, ())
                )
            left, photos = self._commit(erasure_id, target, order, plan.digest)
            for segment_id in left.segments:
                self._segments.discard(segment_id)
            for video_id in leaving.touched:
                finish_erasure(self._database, self._data_dir, video_id)
        for photo in photos:
            photo.unlink(missing_ok=True)
        self._adaptations.forget(leaving.touched)
        with suppress(
            VectorsUnavailable
        ):  # what is erased is; it is proved once the vectors can be compacted
            proof.prove(self._database, self._data_dir, self._snapshots, erasure_id, sample)
        with suppress(OSError):  # workers try again, and say what is wrong
            self.keep_certificates()
        return self.certificates.get(erasure_id)

    def _commit(
        self, erasure_id: str, target: ErasureTarget, order: Ordered, digest: str
    ) -> tuple[Left, list[Path]]:
        """The transaction. Returns what left, and the photos whose rows are gone."""
        with self._database.write() as session:
            plan, found = make_plan(session, target, order.again)
            if plan.digest != digest:
                raise Conflict("what would go is not what was listed any more: list it again")
            vectors = _count_vectors(session, found)
            losing = {*found.videos, *found.parts}
            digests = {video_id: tracklets_digest(session, video_id) for video_id in losing}
            at = current_time(session)
            photos = [probe_file(self._data_dir, row.id, row.media_type) for row in found.probes.values()]
            hashes = {row.id: row.image_hash for row in found.probes.values()}
            left = delete_rows(session, _leaving(found))
            _delete_others(session, found, plan.target.kind)
            certificate = certificates.make(
                plan,
                erasure_id=erasure_id,
                at=at,
                key_id=order.key_id,
                rule=_rule(session, plan, order),
                marks=left.marks,
                vectors=vectors,
                digests=digests,
                photo_hashes=hashes,
                database=session.get_bind().dialect.name,
            )
            _record(session, plan, found, certificate, at=at, key_id=order.key_id)
        return left, photos


def _require(plan: ErasurePlan, order: Ordered) -> None:
    if order.digest is not None and plan.digest != order.digest:
        raise Conflict("what would go is not what was listed: list it again")
    if plan.held and not order.skip_held:
        first = plan.held[0]
        more = "" if len(plan.held) == 1 else f", and {len(plan.held) - 1} more are held"
        raise Held(
            f"{first.kind} {first.id} is under legal hold {first.hold_id}: {first.reason}{more}",
            sorted({one.hold_id for one in plan.held}),
        )
    if plan.empty:
        raise NotFound("there is nothing to erase" + (", apart from what is held" if plan.held else ""))


def _leaving(found: Resolved) -> Leaving:
    numbers = {video: [seen[1] for seen in parts] for video, parts in found.parts.items()}
    return Leaving(sorted(found.videos), numbers, dict(found.cuts))


def _rule(session: Session, plan: ErasurePlan, order: Ordered) -> Mapping[str, Any]:
    if plan.target.kind == ErasureKind.RETENTION:
        return {"by": "rules of retention", "rules": rules_now(session)}
    if order.again is not None:
        return {"by": "repeated after a restore", **(plan.target.about or {})}
    confirmed = order.digest is not None
    return {"by": "request", "plan_sha256": plan.digest, "listed_and_confirmed": confirmed}


def _delete_others(session: Session, found: Resolved, kind: ErasureKind) -> None:
    """Remove photos, searches and cases; cases that stay note what they lost."""
    why = _WHY.get(kind, "somebody asked for it")
    gone = sorted(found.cases)
    for some in batches(gone):
        session.execute(delete(CaseFile).where(CaseFile.id.in_(some)))
    for some in batches(sorted(found.searches)):
        note_erased_items(session, ItemKind.SEARCH, some, why)
        session.execute(delete(Search).where(Search.id.in_(some)))
    for some in batches(sorted(found.probes)):
        note_erased_items(session, ItemKind.PHOTO, some, why)
        session.execute(delete(Probe).where(Probe.id.in_(some)))
    session.expire_all()


def _count_vectors(session: Session, found: Resolved) -> dict[str, dict[str, int]]:
    """How many vectors of tracklets and clips go, by model."""
    tracklets: dict[str, int] = {}
    clips: dict[str, int] = {}
    for video_id, row in {**found.videos, **found.stay}.items():
        numbers = None if video_id in found.videos else [seen[1] for seen in found.parts.get(video_id, ())]
        mine = [Tracklet.video_id == video_id]
        if numbers is not None:
            mine.append(Tracklet.number.in_(numbers))
        own = len(numbers) if numbers is not None else row.tracklet_count
        query = select(func.count()).select_from(Clip).join(Tracklet, Tracklet.id == Clip.tracklet_id)
        count = session.execute(query.where(*mine)).scalar_one()
        for model_id in session.scalars(
            select(SegmentVideo.model_id).where(SegmentVideo.video_id == video_id)
        ):
            tracklets[model_id] = tracklets.get(model_id, 0) + own
            clips[model_id] = clips.get(model_id, 0) + count
    return {model: {"tracklets": tracklets[model], "clips": clips[model]} for model in sorted(tracklets)}


def _record(
    session: Session,
    plan: ErasurePlan,
    found: Resolved,
    certificate: dict[str, Any],
    *,
    at: datetime,
    key_id: str | None,
) -> None:
    """Keep the certificate, and put the erasure on record: as a whole, and with what it took."""
    erasure_id, digest = certificate["id"], certificates.digest_of(certificate)
    session.add(
        Erasure(
            id=erasure_id,
            at=at,
            key_id=key_id,
            kind=plan.target.kind.value,
            certificate=certificate,
            certificate_sha256=digest,
        )
    )
    session.add_all(
        PartErased(
            video_id=video_id,
            erasure_id=erasure_id,
            tracklets=len(found.parts.get(video_id, ())),
            start_us=found.cuts[video_id][0] if video_id in found.cuts else None,
            end_us=found.cuts[video_id][1] if video_id in found.cuts else None,
        )
        for video_id in sorted({*found.parts, *found.cuts})
    )

    def tell(action: str, subject: str, **detail: Any) -> None:
        add_event(session, action, key_id=key_id, subject=subject, detail={**detail, "erasure": erasure_id})

    for recording in plan.recordings:
        tell("video.erase", recording.id, content_hash=recording.content_hash, tracklets=recording.tracklets)
    for video_id in sorted({*found.parts, *found.cuts}):
        tell("video.erase_part", video_id, numbers=[seen[1] for seen in found.parts.get(video_id, ())])
    by_rule = plan.target.kind == ErasureKind.RETENTION
    for probe_id in plan.probes:
        tell("probe.expire" if by_rule else "probe.erase", probe_id)
    for search_id in plan.searches:
        tell("search.erase", search_id)
    for case_id in plan.cases:
        tell("case.erase", case_id)
    counts = certificate["counts"]
    add_event(
        session,
        "erasure",
        key_id=key_id,
        subject=erasure_id,
        detail={"kind": plan.target.kind.value, "certificate_sha256": digest, **counts},
    )
