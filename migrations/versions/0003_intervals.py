"""From which times a video has pictures, and what the file system said of its file."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
STAMP = ("file_mtime_ns", "file_ctime_ns", "file_inode")

video = sa.table(
    "video",
    sa.column("id", sa.String),
    sa.column("start_time", sa.DateTime(timezone=True)),
    sa.column("duration_us", sa.BigInteger),
)


def upgrade() -> None:
    for name in STAMP:
        op.add_column("video", sa.Column(name, sa.BigInteger(), nullable=True))
    interval = op.create_table(
        "video_interval",
        sa.Column("video_id", sa.String(length=32), nullable=False),
        sa.Column("start_us", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("end_us", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name="fk_video_interval_video_id_video", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("video_id", "start_us", name="pk_video_interval"),
    )
    rows = op.get_bind().execute(sa.select(video)).all()
    op.bulk_insert(interval, [_whole(*row) for row in rows])


def downgrade() -> None:
    op.drop_table("video_interval")
    for name in STAMP:
        op.drop_column("video", name)


def _whole(video_id: str, start: datetime, duration_us: int) -> dict[str, str | int]:
    """Take a video of an older gallery for one without holes: nobody noted them."""
    start = start.replace(tzinfo=UTC) if start.tzinfo is None else start  # SQLite drops the zone
    start_us = (start - EPOCH) // timedelta(microseconds=1)
    return {"video_id": video_id, "start_us": start_us, "end_us": start_us + duration_us}
