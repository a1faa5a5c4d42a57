"""`sightline erasures`: the certificates of what was erased."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gallery import GallerySettings
from sightline.console import (
    AsJson,
    DataDir,
    open_gallery,
    print_json,
    print_line,
    print_table,
    read_settings,
)

if TYPE_CHECKING:
    from gallery import Repeated

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
    from gallery import certificate_text

    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        found = gallery.erasures.certificates.get(erasure)
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(certificate_text(found), nl=False)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where to; certificates that are there stay.")],
    data_dir: DataDir = None,
) -> None:
    """Write the certificates that a folder lacks into it, a file each: for `sightline restore` to repeat.

    SIGHTLINE_ERASURE_DIR does so at each erasure.
    """
    from gallery import keep_certificates

    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        count = keep_certificates(gallery.erasures.certificates, folder)
    print_line(f"{count} certificates are written to {folder}.")


@app.command()
def repeat(
    certificates: Annotated[list[Path], typer.Argument(help="Files of certificates, or folders of them.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Erase again what was erased after a backup was taken, in the gallery that was restored from it.

    Erasures that the gallery knows are passed over. A recording that was indexed anew between the backup and
    the erasure of a part of it goes whole. Legal holds that were put on after the erasure win.
    """
    from gallery import read_certificates

    kept = read_certificates(certificates)
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        done = gallery.erasures.repeat(kept)
    print_json(asdict(done)) if as_json else tell_repeated(done)


def tell_repeated(done: "Repeated") -> None:
    """Say what became of certificates."""
    print_line(
        f"{len(done.erased)} erasures are repeated; "
        f"{done.known} were known, of {done.absent} nothing was there."
    )
    for one in done.held:
        print_line(f"A legal hold that was put on since keeps a part of erasure {one}.")
