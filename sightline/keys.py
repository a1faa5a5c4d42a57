"""`sightline keys`: make, list and revoke the keys of the API."""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from gallery import GallerySettings, Scope
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)

app = typer.Typer(help="Make, list and revoke API keys.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use the key.")],
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never by default.")] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; may be repeated [default: everything].", show_choices=True),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key.

    Its secret is stored as a hash only and cannot be shown again.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        key, secret = gallery.keys.create(name, expires_at=expires_at, scopes=scope or list(Scope))
    if as_json:
        print_json({**asdict(key), "secret": secret})
    else:
        print_line(f"Key {key.id} for {key.name}. Its secret, shown this once:")
        typer.echo(secret)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys, revoked ones too."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        rows = [asdict(key) for key in gallery.keys.list()]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            row["scopes"] = " ".join(row["scopes"]) if len(row["scopes"]) < len(Scope) else "all"
        print_table(rows, empty="No key yet: `sightline keys create NAME` makes one.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="The key's id, as `sightline keys list` shows it.")],
    data_dir: DataDir = None,
) -> None:
    """Revoke a key: the next request with it is refused."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.keys.revoke(key_id)
    print_line(f"Key {key_id} is revoked.")
