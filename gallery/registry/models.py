"""The models of a gallery: which it keeps, and which of them is in use.

The files of a model are copied into the gallery, so that neither an update of the program nor a moved folder
changes what a gallery is searched with. Promotions are a stack: rolling back takes the last one off.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from gallery.disk.media import exported_directory, model_directory
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.records.models import PromotionInfo, RegisteredModel
from gallery.records.videos import ModelInfo
from gallery.registry.files import ModelFiles, discard_model_files
from gallery.registry.sources import count_sources, record_sources
from gallery.registry.vectors import remove_vectors
from gallery.sql.chain import add_event
from gallery.sql.changes import advance_change, standing
from gallery.sql.database import Database
from gallery.sql.sight import ALL, Sight
from gallery.sql.tables import Model, Promotion, SegmentVideo, Video
from gallery.validation import json_object
from gallery.vectors.segments import Segments

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")  # as in cards
_ID: Final = re.compile(r"[0-9a-f]{64}")
_PREFIX: Final = re.compile(r"[0-9a-f]{8,64}")


class Models:
    """Models by name and id, and the one that is in use: the promoted one.

    What they are is the same for all; how many videos and tracklets they embedded is of those that are seen.
    """

    def __init__(self, database: Database, segments: Segments, sight: Sight = ALL) -> None:
        self._database = database
        self._segments = segments
        self._data_dir = segments.data_dir
        self._sight = sight

    @property
    def exported(self) -> Path:
        """The folder for models as other runtimes want them; a removed model goes from there too."""
        return exported_directory(self._data_dir)

    def all(self) -> list[RegisteredModel]:
        """Return every model that is kept or has embeddings here, oldest first."""
        with self._database.read() as session:
            rows = session.scalars(select(Model).order_by(Model.created_at, Model.id)).all()
            return self._records(session, rows)

    def find(self, wanted: str) -> RegisteredModel:
        """Return the model of this name, or whose id begins so (8 digits at least); kept ones first.

        Raises:
            NotFound: no such model.
            Conflict: several; their ids tell them apart.
        """
        with self._database.read() as session:
            return self._records(session, [_find(session, wanted)])[0]

    def promoted(self) -> RegisteredModel | None:
        """Return the model in use; None if none was ever promoted, or each was rolled back."""
        with self._database.read() as session:
            promotion = _current(session)
            if promotion is None:
                return None
            return self._records(session, [session.get_one(Model, promotion.model_id)])[0]

    def locate(self, wanted: str | None) -> str | None:
        """Say what `models.zoo.load` is to load.

        Args:
            wanted: name or id of a model of this gallery, or what the gallery does not know, which comes back
                as it is; None for the promoted model.

        Returns:
            The folder of the gallery's copy, or None if no model was asked for and none is promoted.

        Raises:
            Conflict: several models have this name.
        """
        with self._database.read() as session:
            if wanted is None:
                promotion = _current(session)
                return None if promotion is None else str(model_directory(self._data_dir, promotion.model_id))
            try:
                found = _find(session, wanted)
            except NotFound:
                return wanted
            return wanted if found.files is None else str(model_directory(self._data_dir, found.id))

    def settled(self, shipped: Mapping[str, str]) -> str | None:
        """Return the name of the shipped model that most videos are embedded with; None for the default.

        The program's default changes with its versions. A gallery that was made with an earlier one goes on
        with it until another is promoted, rather than being found empty.

        Args:
            shipped: ids of the models that come with the program by their names, the default first.
        """
        names = {model_id: name for name, model_id in shipped.items()}
        count = func.count()
        embedded = (
            select(SegmentVideo.model_id)
            .where(SegmentVideo.model_id.in_(names))
            .group_by(SegmentVideo.model_id)
            .order_by(count.desc(), SegmentVideo.model_id)
        )
        with self._database.read() as session:
            found = session.scalars(embedded).all()
        default = next(iter(shipped.values()), None)
        return None if not found or default in found else names[found[0]]

    def change(self) -> tuple[int, datetime | None]:
        """Return the last change of the gallery, and whose it is: until then the promoted model stays."""
        with self._database.read() as session:
            return standing(session)

    def missing(self, model_id: str) -> int:
        """Count the videos that are not embedded with a model: under it they are not found."""
        with self._database.read() as session:
            return _missing(session, model_id, self._sight)

    def promotions(self, limit: int = 100) -> list[PromotionInfo]:
        """List promotions, the newest first."""
        query = select(Promotion, Model.name).join(Model, Model.id == Promotion.model_id)
        with self._database.read() as session:
            rows = session.execute(query.order_by(Promotion.id.desc()).limit(limit)).all()
            return [
                PromotionInfo(row.model_id, name, row.key_id, row.created_at, row.undone_at)
                for row, name in rows
            ]

    def add(
        self,
        model: ModelInfo,
        source: Path,
        *,
        learnt_from: Sequence[str] = (),
        key_id: str | None = None,
    ) -> RegisteredModel:
        """Copy a model's files into the gallery. One that is here already under its name stays as it is.

        Args:
            model: what it is; its name must be as in cards.
            source: folder whose files are copied, links excluded.
            learnt_from: ids of the videos whose people it was adapted to.
            key_id: who does it.

        Raises:
            InvalidInput: no such model can be.
            Conflict: the name is another model's, or the model has another name here.
        """
        if not isinstance(model.id, str) or _ID.fullmatch(model.id) is None:
            raise InvalidInput(f"no SHA-256 of weights: {model.id!r}"[:200])
        if _NAME.fullmatch(model.name) is None:
            raise InvalidInput(
                f"no name of a model: {model.name!r}; up to 64 of a-z, 0-9, '.', '_' and '-'"[:200]
            )
        card = json_object(model.card, "card")
        with ModelFiles(self._data_dir, source) as files, self._database.write() as session:
            advance_change(session)  # of two who add a model, the second sees what the first has done
            row = session.get(Model, model.id)
            if row is not None and row.files is not None:
                if row.name != model.name:
                    raise Conflict(f"this model is here already, as {row.name}")
                return self._records(session, [row])[0]
            _check_free(session, model)
            if row is None:
                row = Model(id=model.id, dimension=model.dimension, created_at=datetime.now(UTC))
                session.add(row)
            elif row.dimension != model.dimension:
                raise InvalidInput(
                    f"model {model.id} is recorded with {row.dimension} dimensions, not {model.dimension}"
                )
            row.name, row.card, row.files = model.name, card, files.digests
            session.flush()
            record_sources(session, row.id, learnt_from)
            detail = {"name": model.name, "origin": card.get("origin")}
            add_event(session, "model.add", key_id=key_id, subject=model.id, detail=detail)
            files.publish(model.id)
            return self._records(session, [row])[0]

    def promote(
        self, wanted: str, *, allow_missing: bool = False, key_id: str | None = None
    ) -> RegisteredModel:
        """Let a model be the one in use, from the next change on; its name or id says which.

        Args:
            wanted: as for `find`.
            allow_missing: even if videos are not embedded with it, which are then not found.
            key_id: who does it.

        Raises:
            NotFound: no such model.
            Conflict: its files are not here, it is in use already, or videos are not embedded with it.
        """
        with self._database.write() as session:
            change = advance_change(session)  # no video becomes visible between the count and the commit
            row = _find(session, wanted)
            if row.files is None:
                raise Conflict(f"the gallery has embeddings of {row.name}, but not the model: import it")
            before = _current(session)
            if before is not None and before.model_id == row.id:
                raise Conflict(f"{row.name} is promoted already")
            missing = _missing(session, row.id)
            if missing and not allow_missing:
                raise Conflict(
                    f"{missing} recordings are not indexed with {row.name} and would not be found: "
                    "reindex them first"
                )
            now = datetime.now(UTC)
            session.add(Promotion(model_id=row.id, key_id=key_id, change=change, created_at=now))
            detail = {
                "name": row.name,
                "before": None if before is None else before.model_id,
                "missing_videos": missing,
            }
            add_event(session, "model.promote", key_id=key_id, subject=row.id, detail=detail)
            return self._records(session, [row])[0]

    def rollback(self, *, key_id: str | None = None) -> RegisteredModel | None:
        """Undo the last promotion: the model before it is in use again. None: that is the default one.

        Raises:
            Conflict: no model is promoted.
        """
        with self._database.write() as session:
            advance_change(session)
            last = _current(session)
            if last is None:
                raise Conflict("no model is promoted: there is nothing to roll back")
            last.undone_at = datetime.now(UTC)
            session.flush()
            now = _current(session)
            detail = {"now": None if now is None else now.model_id}
            add_event(session, "model.rollback", key_id=key_id, subject=last.model_id, detail=detail)
            if now is None:
                return None
            return self._records(session, [session.get_one(Model, now.model_id)])[0]

    def remove(self, wanted: str, *, key_id: str | None = None) -> RegisteredModel:
        """Remove a model: its files, and all embeddings that it made.

        Raises:
            NotFound: no such model.
            Conflict: it is promoted, or it alone embedded some video.
        """
        with self._database.write() as session:
            # The model before the change, as writers lock them: who embeds with it now has ended, or fails.
            row = session.get_one(Model, _find(session, wanted).id, with_for_update=True)
            advance_change(session)
            record = self._records(session, [row])[0]
            if record.promoted:
                raise Conflict(f"{row.name} is promoted: promote another model, or roll back, first")
            segments = remove_vectors(session, row.id)
            add_event(session, "model.remove", key_id=key_id, subject=row.id, detail={"name": row.name})
            session.delete(row)
        discard_model_files(self._segments, record.id, segments)
        return record

    def _records(self, session: Session, rows: Sequence[Model]) -> list[RegisteredModel]:
        current = _current(session)
        counted = (
            select(SegmentVideo.model_id, func.count(), func.sum(Video.tracklet_count))
            .join(Video, Video.id == SegmentVideo.video_id)
            .where(*self._sight.among(Video.camera_id))
            .group_by(SegmentVideo.model_id)
        )
        counts = {model: (videos, int(found)) for model, videos, found in session.execute(counted)}
        learnt, erased = count_sources(session)
        return [
            RegisteredModel(
                id=row.id,
                name=row.name,
                dimension=row.dimension,
                card=row.card,
                created_at=row.created_at,
                folder=None if row.files is None else model_directory(self._data_dir, row.id),
                promoted=current is not None and current.model_id == row.id,
                videos=counts.get(row.id, (0, 0))[0],
                tracklets=counts.get(row.id, (0, 0))[1],
                learnt_from=learnt.get(row.id, 0),
                erased=erased.get(row.id, 0),
            )
            for row in rows
        ]


def _current(session: Session) -> Promotion | None:
    query = select(Promotion).where(Promotion.undone_at.is_(None)).order_by(Promotion.id.desc()).limit(1)
    return session.scalar(query)


def _find(session: Session, wanted: str) -> Model:
    missing = NotFound(f"no model {wanted!r} in the gallery"[:200])
    if not isinstance(wanted, str) or not wanted or "\0" in wanted or len(wanted) > 64:
        raise missing
    found = list(session.scalars(select(Model).where(Model.name == wanted).order_by(Model.created_at)))
    if not found and _PREFIX.fullmatch(wanted):
        found = list(session.scalars(select(Model).where(Model.id.startswith(wanted))))
    kept = [row for row in found if row.files is not None] or found
    if not kept:
        raise missing
    if len(kept) > 1:
        ids = ", ".join(row.id[:12] for row in kept)
        raise Conflict(f"several models are called {wanted!r}: name one by its id ({ids})")
    return kept[0]


def _check_free(session: Session, model: ModelInfo) -> None:
    named = select(Model.id).where(Model.name == model.name, Model.files.is_not(None), Model.id != model.id)
    if (other := session.scalar(named)) is not None:
        raise Conflict(f"another model is called {model.name} ({other[:12]}): choose another name")


def _missing(session: Session, model_id: str, sight: Sight = ALL) -> int:
    embedded = select(SegmentVideo.video_id).where(SegmentVideo.model_id == model_id)
    query = select(func.count()).select_from(Video).where(Video.id.not_in(embedded))
    query = query.where(*sight.among(Video.camera_id))
    return session.execute(query).scalar_one()
