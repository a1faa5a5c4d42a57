"""Which videos an adapted model learnt from: when one is erased, the model is known to have seen it."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "model_video",
        sa.Column("model_id", sa.String(length=64), nullable=False),
        sa.Column("video_id", sa.String(length=32), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_id"], ["model.id"], name="fk_model_video_model_id_model", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("model_id", "video_id", name="pk_model_video"),
    )


def downgrade() -> None:
    op.drop_table("model_video")
