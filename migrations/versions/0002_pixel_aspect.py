"""The shape of a camera's pixels, for recordings that do not say it themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("camera", sa.Column("pixel_aspect", sa.Float(), nullable=True))


def downgrade() -> None:
    op.drop_column("camera", "pixel_aspect")
