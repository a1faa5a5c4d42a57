"""`sightline erasures`: the certificates of what was erased."""

from dataclasses import asdict
from typing import Annotated

import typer

from gallery import GallerySettings, certificate_text
from sightline.console import AsJson, DataDir, open_gallery, print_json, print_table, read_settings

app = typer.Typer(
    help="List erasures and show their certificates.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_erasures(
    *,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many.")] = 50,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """List erasures, the newest first."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.erasures.certificates.list(limit=limit)
    if as_json:
        print_json([asdict(one) for one in found])
        return
    rows = [
        {
            "id": one.id,
            "at": f"{one.at:%Y-%m-%d %H:%M:%S} UTC",
            "key": (one.key_id or "-")[:12],
            "of": one.kind,
            "recordings": one.certificate["counts"]["recordings"],
            "tracklets": one.certificate["counts"]["tracklets"],
            "proved": "no" if one.proof is None else "yes" if one.proof.holds else "FOUND AGAIN",
            "off_the_disk": "at compaction" if one.settled_at is None else "yes",
        }
        for one in found
    ]
    print_table(rows, empty="Nothing was erased yet.")


@app.command()
def show(
    erasure: Annotated[str, typer.Argument(help="Its id, as `sightline erasures list` shows it.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show a certificate: what went, when, by whom, under which rule, what remains, and the proof."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.erasures.certificates.get(erasure)
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(certificate_text(found), nl=False)
