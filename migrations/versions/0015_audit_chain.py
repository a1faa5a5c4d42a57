"""Audit events are hashed, each with the one before it, and cannot be changed any more.

Events of before are hashed as they are found: the chain says nothing of what was done to them until now.
"""

import json
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_REFUSAL = "audit events are kept as they are"
_SQLITE = """
CREATE TRIGGER audit_event_no_{what} BEFORE {what} ON audit_event
BEGIN SELECT RAISE(ABORT, '{refusal}'); END
"""
_FUNCTION = f"""
CREATE FUNCTION audit_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION '{_REFUSAL}' USING ERRCODE = 'restrict_violation'; END $$
"""
_POSTGRESQL = """
CREATE TRIGGER audit_event_no_{what} BEFORE {what} ON audit_event
FOR EACH {each} EXECUTE FUNCTION audit_event_is_kept()
"""


def upgrade() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name="single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )
    with op.batch_alter_table("audit_event") as batch:
        batch.add_column(sa.Column("digest", sa.String(length=64), nullable=False, server_default=""))
    last, digest = _hash_all()
    with op.batch_alter_table("audit_event") as batch:
        batch.alter_column("digest", server_default=None)
    head = sa.table("audit_head", sa.column("id"), sa.column("event_id"), sa.column("digest"))
    op.execute(head.insert().values(id=1, event_id=last, digest=digest))
    if op.get_bind().dialect.name == "postgresql":
        op.execute(_FUNCTION)
        for what, each in (("UPDATE", "ROW"), ("DELETE", "ROW"), ("TRUNCATE", "STATEMENT")):
            op.execute(_POSTGRESQL.format(what=what, each=each))
    else:
        for what in ("UPDATE", "DELETE"):
            op.execute(_SQLITE.format(what=what, refusal=_REFUSAL))


def downgrade() -> None:
    for what in ("UPDATE", "DELETE", "TRUNCATE"):
        if op.get_bind().dialect.name == "postgresql":
            op.execute(f"DROP TRIGGER audit_event_no_{what} ON audit_event")
        else:
            op.execute(f"DROP TRIGGER IF EXISTS audit_event_no_{what}")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_event_is_kept()")
    with op.batch_alter_table("audit_event") as batch:
        batch.drop_column("digest")
    op.drop_table("audit_head")


def _hash_all() -> tuple[int, str]:
    """Hash the events that are there; returns the last one's id and digest."""
    json_type = sa.JSON(none_as_null=True)
    events = sa.table(
        "audit_event",
        sa.column("id"),
        sa.column("at", sa.DateTime(timezone=True)),
        sa.column("key_id"),
        sa.column("action"),
        sa.column("subject"),
        sa.column("detail", json_type),
        sa.column("digest"),
    )
    bind = op.get_bind()
    last, digest = 0, "0" * 64
    while rows := bind.execute(
        events.select().where(events.c.id > last).order_by(events.c.id).limit(500)
    ).all():
        for row in rows:
            last, digest = row.id, _digest(digest, row)
            bind.execute(events.update().where(events.c.id == row.id).values(digest=digest))
    return last, digest


def _digest(before: str, row: Any) -> str:
    """As gallery.sql.chain did when this migration was written."""
    at: datetime = row.at.replace(tzinfo=UTC) if row.at.tzinfo is None else row.at.astimezone(UTC)
    moment = at.isoformat(timespec="microseconds")
    parts = [before, row.id, moment, row.key_id, row.action, row.subject, _plain(row.detail)]
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
