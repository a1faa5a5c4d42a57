"""`sightline keys`: make, list and revoke the keys of the API; list and end sessions of the page."""

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

app = typer.Typer(
    help="Make, list and revoke API keys; list and end sessions of the page.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Who or what will use the key.")],
    *,
    days: Annotated[int | None, typer.Option(min=1, help="Days until it expires; never by default.")] = None,
    scope: Annotated[
        list[Scope] | None,
        typer.Option(help="What it may do; may be repeated [default: everything].", show_choices=True),
    ] = None,
    group: Annotated[
        list[str] | None,
        typer.Option(help="A camera group that it sees; may be repeated [default: all cameras]."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key.

    Its secret is stored as a hash only and cannot be shown again.
    """
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        key, secret = gallery.keys.create(
            name, expires_at=expires_at, scopes=scope or list(Scope), groups=group or None
        )
    if as_json:
        print_json({**asdict(key), "secret": secret})
    else:
        print_line(f"Key {key.id} for {key.name}. Its secret, shown this once:")
        typer.echo(secret)


@app.command("list")
def list_keys(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List all keys, revoked ones too: what they may do and see, and when they were last used."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        rows = [asdict(key) for key in gallery.keys.list()]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            row["scopes"] = " ".join(row["scopes"]) or "none" if len(row["scopes"]) < len(Scope) else "all"
            groups = row.pop("camera_groups")
            row["cameras"] = "all" if groups is None else ", ".join(groups) or "none"
            del row["roles"]  # what they may do and see is said
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


@app.command()
def sessions(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List who is signed in on the page."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        names = {key.id: key.name for key in gallery.keys.list()}
        rows = [{**asdict(found), "key_name": names[found.key_id]} for found in gallery.sessions.list()]
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            del row["roles"]
        print_table(rows, empty="Nobody is signed in.")


@app.command()
def sign_out(
    session_id: Annotated[
        str, typer.Argument(help="The session's id, as `sightline keys sessions` shows it.")
    ],
    data_dir: DataDir = None,
) -> None:
    """End a session of the page: the next request with it asks to sign in."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.sessions.close(session_id)
    print_line(f"Session {session_id} has ended.")
