"""Checksums of what the catalogue names, and of a video's rows: damage and alterations are noticed."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

CHECKSUMS = (("tracklet", "thumbnail_sha256"), ("video", "rows_sha256"), ("segment", "manifest_sha256"))


def upgrade() -> None:
    for table, name in CHECKSUMS:
        op.add_column(table, sa.Column(name, sa.String(length=64), nullable=True))


def downgrade() -> None:
    for table, name in CHECKSUMS:
        op.drop_column(table, name)
