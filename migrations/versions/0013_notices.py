"""What is to be known of a probe and of an answer, and who else was on the photos of a search."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    json = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("probe", sa.Column("notices", json, nullable=True))
    op.add_column("search", sa.Column("selections", json, nullable=True))
    op.add_column("search", sa.Column("notices", json, nullable=True))


def downgrade() -> None:
    op.drop_column("search", "notices")
    op.drop_column("search", "selections")
    op.drop_column("probe", "notices")
