"""Recordings are found by their path without reading all of them.

A hash where the database has one: a path may be longer than what a tree of PostgreSQL takes (2,700 bytes).
"""

from alembic import op

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("video", "job_recording"):
        op.create_index(f"ix_{table}_path", table, ["path"], postgresql_using="hash")


def downgrade() -> None:
    for table in ("video", "job_recording"):
        op.drop_index(f"ix_{table}_path", table)
