"""What the file of a recording was like when it was filed, so that another one is not indexed for it.

Recordings that wait already were not looked at: they are indexed as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_NUMBERS = ("filed_size", "filed_mtime_ns", "filed_ctime_ns")


def upgrade() -> None:
    for name in _NUMBERS:
        op.add_column("job_recording", sa.Column(name, sa.BigInteger(), nullable=True))
    op.add_column("job_recording", sa.Column("filed_sha256", sa.String(length=64), nullable=True))


def downgrade() -> None:
    for name in ("filed_sha256", *reversed(_NUMBERS)):
        op.drop_column("job_recording", name)
