"""Where the audit trail begins, once older events were removed.

Events up to it can be removed, and no others. It only moves on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_REFUSAL = "audit events are kept as they are"
_BASE_REFUSAL = "the beginning of the audit trail only moves on"
_SQLITE = (
    "DROP TRIGGER audit_event_no_DELETE",
    """
    CREATE TRIGGER audit_event_no_DELETE BEFORE DELETE ON audit_event
    WHEN OLD.id > coalesce((SELECT event_id FROM audit_base), 0)
    BEGIN SELECT RAISE(ABORT, '{refusal}'); END
    """,
    """
    CREATE TRIGGER audit_base_no_delete BEFORE DELETE ON audit_base
    BEGIN SELECT RAISE(ABORT, '{base_refusal}'); END
    """,
    """
    CREATE TRIGGER audit_base_no_return BEFORE UPDATE ON audit_base
    WHEN NEW.event_id <= OLD.event_id OR NEW.id <> OLD.id
    BEGIN SELECT RAISE(ABORT, '{base_refusal}'); END
    """,
)
_POSTGRESQL = (
    "DROP TRIGGER audit_event_no_delete ON audit_event",
    """
    CREATE FUNCTION audit_event_is_needed() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN
      IF OLD.id > coalesce((SELECT event_id FROM audit_base), 0) THEN
        RAISE EXCEPTION '{refusal}' USING ERRCODE = 'restrict_violation';
      END IF;
      RETURN OLD;
    END $$
    """,
    """
    CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event
    FOR EACH ROW EXECUTE FUNCTION audit_event_is_needed()
    """,
    """
    CREATE FUNCTION audit_base_is_kept() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '{base_refusal}' USING ERRCODE = 'restrict_violation'; END $$
    """,
    """
    CREATE TRIGGER audit_base_no_delete BEFORE DELETE ON audit_base
    FOR EACH ROW EXECUTE FUNCTION audit_base_is_kept()
    """,
    """
    CREATE TRIGGER audit_base_no_truncate BEFORE TRUNCATE ON audit_base
    FOR EACH STATEMENT EXECUTE FUNCTION audit_base_is_kept()
    """,
    """
    CREATE TRIGGER audit_base_no_return BEFORE UPDATE ON audit_base FOR EACH ROW
    WHEN (NEW.event_id <= OLD.event_id OR NEW.id <> OLD.id) EXECUTE FUNCTION audit_base_is_kept()
    """,
)


def upgrade() -> None:
    op.create_table(
        "audit_base",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.CheckConstraint("id = 1", name="single_row"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_base"),
    )
    for statement in _POSTGRESQL if op.get_bind().dialect.name == "postgresql" else _SQLITE:
        op.execute(statement.replace("{refusal}", _REFUSAL).replace("{base_refusal}", _BASE_REFUSAL))


def downgrade() -> None:
    """The trail of before has no base: one that was shortened does not fit it."""
    if op.get_bind().execute(sa.text("SELECT count(*) FROM audit_base")).scalar_one():
        raise RuntimeError("events were removed: the schema of before cannot check the rest of the trail")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER audit_event_no_delete ON audit_event")
        op.execute(
            "CREATE TRIGGER audit_event_no_delete BEFORE DELETE ON audit_event "
            "FOR EACH ROW EXECUTE FUNCTION audit_event_is_kept()"
        )
        op.drop_table("audit_base")
        op.execute("DROP FUNCTION audit_event_is_needed()")
        op.execute("DROP FUNCTION audit_base_is_kept()")
    else:
        op.execute("DROP TRIGGER audit_event_no_DELETE")
        op.drop_table("audit_base")
        op.execute(
            "CREATE TRIGGER audit_event_no_DELETE BEFORE DELETE ON audit_event "
            "BEGIN SELECT RAISE(ABORT, 'audit events are kept as they are'); END"
        )
