"""What the probabilities of a recorded search are worth."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.add_column("search", sa.Column("calibration", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("search", "calibration")
