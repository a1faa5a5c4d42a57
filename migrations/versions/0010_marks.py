"""Marks on hits: which tracklets of an answer show the person and which do not, with their history."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "mark",
        sa.Column("id", big, nullable=False),
        sa.Column("search_id", sa.String(length=32), nullable=False),
        sa.Column("tracklet_id", sa.String(length=40), nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=True),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_by", sa.String(length=32), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["search_id"], ["search.id"], name="fk_mark_search_id_search", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tracklet_id"], ["tracklet.id"], name="fk_mark_tracklet_id_tracklet", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_mark"),
    )
    op.create_index("ix_mark_search_id", "mark", ["search_id", "id"])
    op.create_index("ix_mark_tracklet_id", "mark", ["tracklet_id"])
    op.add_column("search", sa.Column("marks_erased", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    op.drop_column("search", "marks_erased")
    op.drop_table("mark")
