"""Jobs that do something else than index recordings."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
TIME = sa.DateTime(timezone=True)

job = sa.table("job", sa.column("id", sa.String), sa.column("kind", sa.String))
recording = sa.table("job_recording", sa.column("job_id", sa.String))


def upgrade() -> None:
    # In place: a table that was copied to change its columns would take the recordings of its jobs along.
    kind = sa.Column("kind", sa.String(length=12), nullable=False, server_default="index")
    op.add_column("job", kind)
    op.add_column("job", sa.Column("options", JSON, nullable=False, server_default="{}"))
    with op.batch_alter_table("job_recording") as batch:
        batch.alter_column("camera_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("start_time", existing_type=TIME, nullable=True)


def downgrade() -> None:
    # The schema before knows of no other jobs.
    others = sa.select(job.c.id).where(job.c.kind != "index")
    op.execute(sa.delete(recording).where(recording.c.job_id.in_(others)))
    op.execute(sa.delete(job).where(job.c.kind != "index"))
    with op.batch_alter_table("job_recording") as batch:
        batch.alter_column("camera_id", existing_type=sa.Integer(), nullable=False)
        batch.alter_column("start_time", existing_type=TIME, nullable=False)
    op.drop_column("job", "options")
    op.drop_column("job", "kind")
