"""Which tracklets a search saw: those of a video that is indexed anew have the ids of other people."""

from bisect import bisect_left
from itertools import accumulate

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
VIDEO = sa.table("video", sa.column("id"), sa.column("indexed_at", TIME), sa.column("tracklets_change"))
SEARCH = sa.table("search", sa.column("created_at", TIME), sa.column("change"))


def upgrade() -> None:
    op.add_column("video", sa.Column("tracklets_change", sa.BigInteger(), server_default="0", nullable=False))
    op.create_index("ix_search_created_at", "search", ["created_at", "id"])
    _put_after_earlier_searches(op.get_bind())


def _put_after_earlier_searches(connection: sa.Connection) -> None:
    """Searches that were asked before a video was indexed saw none of it: their changes come before its own.

    Not the change of the last of them decides but the highest: a search asked again has the change of the
    first.
    """
    query = sa.select(SEARCH.c.created_at, SEARCH.c.change).order_by(SEARCH.c.created_at)
    asked = connection.execute(query).all()
    times, highest = [one.created_at for one in asked], [*accumulate((one.change for one in asked), max)]
    indexed = connection.execute(sa.select(VIDEO.c.id, VIDEO.c.indexed_at)).all()
    before = [(one.id, bisect_left(times, one.indexed_at)) for one in indexed]
    changes = [{"video": video, "made": highest[count - 1] + 1} for video, count in before if count]
    if changes:
        update = sa.update(VIDEO).where(VIDEO.c.id == sa.bindparam("video"))
        connection.execute(update.values(tracklets_change=sa.bindparam("made")), changes)


def downgrade() -> None:
    op.drop_index("ix_search_created_at", table_name="search")
    op.drop_column("video", "tracklets_change")
