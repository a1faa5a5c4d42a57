"""What a second person says of a mark."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("mark", sa.Column("confirmed_by", sa.String(length=32), nullable=True))
    op.add_column("mark", sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("mark", sa.Column("agrees", sa.Boolean(), nullable=True))


def downgrade() -> None:
    for column in ("agrees", "confirmed_at", "confirmed_by"):
        op.drop_column("mark", column)
