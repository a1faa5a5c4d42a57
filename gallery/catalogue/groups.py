"""Camera groups: the cameras that keys may be limited to.

A key names groups, not cameras: a camera that joins a group is seen with the next request.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from gallery.catalogue.cameras import camera_name, group_name
from gallery.errors import Conflict, InvalidInput, NotFound
from gallery.records.access import GroupInfo, KeyInfo
from gallery.sql.access_tables import CameraGroup, CameraGroupMember
from gallery.sql.chain import add_event
from gallery.sql.copying import copied
from gallery.sql.database import Database
from gallery.sql.tables import ApiKey, Camera


class Groups:
    """The groups by name. Every change is in the audit trail, in the transaction that makes it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def list(self) -> Sequence[GroupInfo]:
        """List all groups by name."""
        with self._database.read() as session:
            names = session.scalars(select(CameraGroup.name).order_by(CameraGroup.name)).all()
            return [_info(session, name) for name in names]

    def get(self, name: str) -> GroupInfo:
        """Return a group, or raise NotFound."""
        with self._database.read() as session:
            return _info(session, _known(session, name))

    def put(self, name: str, cameras: Sequence[str], *, key_id: str | None = None) -> GroupInfo:
        """Let a group have these cameras, by name, and no others; make it if there is none.

        Raises:
            NotFound: no such camera.
            InvalidInput: a name that no group can have.
        """
        return self._change(name, key_id, wanted=cameras)

    def add(self, name: str, cameras: Sequence[str], *, key_id: str | None = None) -> GroupInfo:
        """Add cameras to a group, which is made if there is none. Raises as `put` does."""
        return self._change(name, key_id, more=cameras)

    def remove(self, name: str, cameras: Sequence[str], *, key_id: str | None = None) -> GroupInfo:
        """Take cameras out of a group. Raises NotFound: no such group, or a camera that is not in it."""
        with self._database.write() as session:
            known = _known(session, name, lock=True)
            had, leaving = set(_info(session, known).cameras), set(map(_camera, cameras))
            if missing := leaving - had:
                raise NotFound(f"group {known!r} has no camera {min(missing)!r}"[:200])
            _replace(session, known, had, had - leaving, key_id)
            return _info(session, known)

    def delete(self, name: str, *, key_id: str | None = None) -> None:
        """Delete a group; its cameras stay.

        Raises:
            NotFound: no such group.
            Conflict: a key that is still valid is limited to it. What roles of tokens see is a setting, which
                binds no group: who has such a role sees nothing of one that is gone.
        """
        with self._database.write() as session:
            known = _known(session, name, lock=True)
            keys = [copied(KeyInfo, row) for row in session.scalars(select(ApiKey))]
            bound = [key.name for key in keys if _is_bound(key, known)]
            if bound:
                raise Conflict(
                    f"keys are limited to group {known!r}: {', '.join(sorted(bound)[:5])}; revoke them first"
                )
            session.execute(delete(CameraGroup).where(CameraGroup.name == known))
            add_event(session, "group.delete", key_id=key_id, subject=known)

    def cameras_of(self, names: Sequence[str]) -> frozenset[int]:
        """Return the ids of the cameras in any of some groups; a group that is gone has none."""
        members = select(CameraGroupMember.camera_id).where(CameraGroupMember.group_name.in_(names))
        with self._database.read() as session:
            return frozenset(session.scalars(members))

    def _change(
        self,
        name: str,
        key_id: str | None,
        *,
        wanted: Sequence[str] | None = None,
        more: Sequence[str] = (),
    ) -> GroupInfo:
        known = group_name(name)
        with self._database.write() as session:
            if session.get(CameraGroup, known, with_for_update=True) is None:
                session.add(CameraGroup(name=known))
                session.flush()
                add_event(session, "group.add", key_id=key_id, subject=known)
            had = set(_info(session, known).cameras)
            named = set(map(_camera, more if wanted is None else wanted))
            _replace(session, known, had, had | named if wanted is None else named, key_id)
            return _info(session, known)


def require_groups(session: Session, names: Sequence[str]) -> list[str]:
    """Return names of groups that there are, held until the transaction ends, so that none is deleted.

    Raises:
        NotFound: no such group.
        InvalidInput: none is named.
    """
    if not names:
        raise InvalidInput("a key is limited to one camera group or more, or to none at all")
    return [_known(session, name, lock=True) for name in dict.fromkeys(names)]


def _is_bound(key: KeyInfo, group: str) -> bool:
    if key.subject is not None:
        return False
    return key.is_valid(datetime.now(UTC)) and group in (key.camera_groups or ())


def _known(session: Session, name: str, *, lock: bool = False) -> str:
    missing = NotFound(f"no camera group {name!r}"[:200])
    try:
        wanted = group_name(name)
    except InvalidInput as error:
        raise missing from error
    row = session.get(CameraGroup, wanted, with_for_update=lock or None)
    if row is None:
        raise missing
    return row.name


def _camera(name: str) -> str:
    """A camera's name in its one spelling. Raises NotFound: no camera can have it."""
    try:
        return camera_name(name)
    except InvalidInput as error:
        raise NotFound(f"no camera {name!r}"[:200]) from error


def _info(session: Session, name: str) -> GroupInfo:
    query = select(Camera.name).join(CameraGroupMember, CameraGroupMember.camera_id == Camera.id)
    names = session.scalars(query.where(CameraGroupMember.group_name == name).order_by(Camera.name))
    return GroupInfo(name, tuple(names))


def _replace(session: Session, group: str, had: set[str], cameras: set[str], key_id: str | None) -> None:
    """Let a group that `had` some cameras have these, by name; what joined and what left is one event."""
    joined, left = sorted(cameras - had), sorted(had - cameras)
    ids = dict(session.execute(select(Camera.name, Camera.id).where(Camera.name.in_(joined + left))).all())
    if missing := [name for name in joined if name not in ids]:
        raise NotFound(f"no camera {missing[0]!r}"[:200])
    if not joined and not left:
        return
    mine = CameraGroupMember.group_name == group
    session.execute(
        delete(CameraGroupMember).where(mine, CameraGroupMember.camera_id.in_([ids[one] for one in left]))
    )
    session.add_all(CameraGroupMember(group_name=group, camera_id=ids[one]) for one in joined)
    detail = {"joined": joined, "left": left}
    add_event(session, "group.edit", key_id=key_id, subject=group, detail=detail)
