"""Erasures with their certificates, single erased tracklets, legal holds, rules of retention."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("certificate", _JSON, nullable=False),
        sa.Column("certificate_sha256", sa.String(length=64), nullable=False),
        sa.Column("proof", _JSON, nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
    )
    op.create_table(
        "part_erased",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("video_id", sa.String(length=32), nullable=False),
        sa.Column("erasure_id", sa.String(length=32), nullable=False),
        sa.Column("tracklets", sa.Integer(), nullable=False),
        sa.Column("start_us", sa.BigInteger(), nullable=True),
        sa.Column("end_us", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name="fk_part_erased_video_id_video", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_part_erased"),
    )
    op.create_index("ix_part_erased_video_id", "part_erased", ["video_id"])
    op.create_table(
        "tracklet_tombstone",
        sa.Column("segment_id", sa.String(length=32), nullable=False),
        sa.Column("video_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["segment_id"],
            ["segment.id"],
            name="fk_tracklet_tombstone_segment_id_segment",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("segment_id", "video_id", "number", name="pk_tracklet_tombstone"),
    )
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("video_id", sa.String(length=32), nullable=True),
        sa.Column("camera_id", sa.Integer(), nullable=True),
        sa.Column("case_id", sa.String(length=32), nullable=True),
        sa.Column("start", sa.DateTime(timezone=True), nullable=True),
        sa.Column("end", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lifted_by", sa.String(length=32), nullable=True),
        sa.Column("lifted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lift_reason", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_legal_hold"),
    )
    for column in ("video_id", "camera_id", "case_id"):
        op.create_index(f"ix_legal_hold_{column}", "legal_hold", [column])
    op.create_table(
        "retention_rule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=True),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("key_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["camera_id"], ["camera.id"], name="fk_retention_rule_camera_id_camera", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_retention_rule"),
    )
    op.create_index("ix_retention_rule_camera_id", "retention_rule", ["camera_id"])


def downgrade() -> None:
    for table in ("retention_rule", "legal_hold", "tracklet_tombstone", "part_erased", "erasure"):
        op.drop_table(table)
