"""Roles of tokens: those that a subject's key last had, and those that a session was opened with.

Sessions of before have none: who signed in with a token signs in again.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def upgrade() -> None:
    op.add_column("api_key", sa.Column("roles", JSON, nullable=True))
    op.add_column("sign_in", sa.Column("roles", JSON, nullable=True))


def downgrade() -> None:
    op.drop_column("sign_in", "roles")
    op.drop_column("api_key", "roles")
