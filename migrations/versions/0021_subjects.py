"""Keys that stand for subjects of an issuer of tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Not in a batch, which would make the table anew and take the sign-ins with it.
    op.add_column("api_key", sa.Column("subject", sa.String(), nullable=True))
    op.create_index("ix_api_key_subject", "api_key", ["subject"], unique=True)


def downgrade() -> None:
    op.drop_index("ix_api_key_subject", "api_key")
    op.drop_column("api_key", "subject")
