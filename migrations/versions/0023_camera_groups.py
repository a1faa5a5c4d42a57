"""Camera groups, which keys may be limited to, and when a key was last used.

Keys of before see all cameras, as they did; so do the searches that were recorded with them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.create_table(
        "camera_group",
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_camera_group"),
    )
    op.create_table(
        "camera_group_member",
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("camera_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_name"],
            ["camera_group.name"],
            name="fk_camera_group_member_group_name_camera_group",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["camera_id"],
            ["camera.id"],
            name="fk_camera_group_member_camera_id_camera",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("group_name", "camera_id", name="pk_camera_group_member"),
    )
    op.create_index("ix_camera_group_member_camera_id", "camera_group_member", ["camera_id"])
    op.add_column("api_key", sa.Column("camera_groups", JSON, nullable=True))
    op.add_column("api_key", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("search", sa.Column("cameras", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("search", "cameras")
    op.drop_column("api_key", "last_used_at")
    op.drop_column("api_key", "camera_groups")
    op.drop_table("camera_group_member")
    op.drop_table("camera_group")
