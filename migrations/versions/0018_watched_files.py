"""Files of watched folders that were filed, so that each is filed once."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watched_file",
        sa.Column("inode", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("inode", "size_bytes", "mtime_ns", name="pk_watched_file"),
    )
    op.create_index("ix_watched_file_content_hash", "watched_file", ["content_hash"])


def downgrade() -> None:
    op.drop_table("watched_file")
