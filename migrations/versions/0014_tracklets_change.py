"""Which tracklets a search saw: those of a video that is indexed anew have the ids of other people."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# Of searches that were asked before a video was indexed, none saw its tracklets: they are of changes before
# the one that is put down here.
_AFTER_EARLIER_SEARCHES = """
UPDATE video SET tracklets_change = COALESCE(
    (SELECT MAX(search.change) + 1 FROM search WHERE search.created_at < video.indexed_at), 0
)
"""


def upgrade() -> None:
    op.add_column("video", sa.Column("tracklets_change", sa.BigInteger(), server_default="0", nullable=False))
    op.execute(_AFTER_EARLIER_SEARCHES)
    op.create_index("ix_search_created_at", "search", ["created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_search_created_at", table_name="search")
    op.drop_column("video", "tracklets_change")
