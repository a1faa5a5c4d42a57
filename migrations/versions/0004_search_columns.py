"""A search's column "coverage" holds coverage; model and warnings get columns of their own."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

JSON = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")

search = sa.table(
    "search",
    sa.column("id", sa.String),
    sa.column("model_id", sa.String),
    sa.column("coverage", JSON),
    sa.column("model_name", sa.String),
    sa.column("model_warning", sa.String),
    sa.column("warnings", JSON),
)


def upgrade() -> None:
    op.add_column("search", sa.Column("model_name", sa.String(), nullable=True))
    op.add_column("search", sa.Column("model_warning", sa.String(), nullable=True))
    op.add_column("search", sa.Column("warnings", JSON, nullable=True))
    _rewrite(_taken_apart)
    with op.batch_alter_table("search") as batch:
        batch.alter_column("model_name", existing_type=sa.String(), nullable=False)
        batch.alter_column("warnings", existing_type=JSON, nullable=False)


def downgrade() -> None:
    _rewrite(_put_together)
    with op.batch_alter_table("search") as batch:
        for name in ("warnings", "model_warning", "model_name"):
            batch.drop_column(name)


def _rewrite(values: Callable[[Any], dict[str, Any]]) -> None:
    connection = op.get_bind()
    for (search_id,) in connection.execute(sa.select(search.c.id)).all():
        row = connection.execute(sa.select(search).where(search.c.id == search_id)).one()
        connection.execute(sa.update(search).where(search.c.id == search_id).values(values(row)))


def _taken_apart(row: Any) -> dict[str, Any]:
    together = row.coverage
    model = together.get("model", {})
    return {
        "coverage": together.get("statement", {}),
        "model_name": model.get("name", row.model_id[:12]),
        "model_warning": model.get("warning"),
        "warnings": together.get("warnings", []),
    }


def _put_together(row: Any) -> dict[str, Any]:
    model = {"id": row.model_id, "name": row.model_name, "warning": row.model_warning}
    return {"coverage": {"statement": row.coverage, "model": model, "warnings": row.warnings}}
