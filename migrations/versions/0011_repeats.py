"""Searches that are asked again: which videos a snapshot held, and which search an answer repeats."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("segment_video", sa.Column("change", sa.BigInteger(), nullable=True))
    op.add_column("search", sa.Column("repeats", json, nullable=True))
    op.create_index("ix_search_key_id", "search", ["key_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_search_key_id", table_name="search")
    op.drop_column("search", "repeats")
    op.drop_column("segment_video", "change")
