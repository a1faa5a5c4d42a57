"""What a key may do. Keys of before may do everything, as they could."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ALL = '["search", "view", "review", "index", "administer", "audit"]'


def upgrade() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("api_key", sa.Column("scopes", kind, nullable=False, server_default=_ALL))
    with op.batch_alter_table("api_key") as batch:
        batch.alter_column("scopes", server_default=None)


def downgrade() -> None:
    op.drop_column("api_key", "scopes")
