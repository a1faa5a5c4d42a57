"""`sightline evidence` makes an evidence package of a search, `sightline verify` says whether one holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from sightline.console import AsJson, DataDir, open_gallery, print_json, print_line, print_note, read_settings

if TYPE_CHECKING:
    from service.evidence.package import Package

Output = Annotated[
    Path | None, typer.Option("--output", "-o", help="File to write, which must not be there yet.")
]
Hits = Annotated[
    int, typer.Option(min=0, max=1000, help="How many first hits of a search get clips, besides marked ones.")
]

OnlyConfirmed = Annotated[
    bool,
    typer.Option("--only-confirmed", help="Clips of those hits alone whose mark a second person confirmed."),
]


def evidence(
    search: Annotated[str, typer.Argument(help="Id of the search, as `search` prints it.")],
    *,
    output: Output = None,
    hits: Hits = 20,
    only_confirmed: OnlyConfirmed = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make the evidence package of a search: a ZIP with clips, report, manifest and verifier.

    Prints the SHA-256 of the manifest, which is recorded in the audit trail: give it to `sightline verify`.
    Exits with 1 when something could not be packed; it is named.
    """
    from service.auth import Caller
    from service.evidence.package import of_search
    from service.networks import Networks
    from service.settings import ServiceSettings
    from service.state import make_state

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings, looks=True) as gallery:
        state = make_state(settings, gallery, Networks())
        info = gallery.searches.get(search)
        made = of_search(state, Caller(None), info, hits, only_confirmed=only_confirmed)
        write(made, output, as_json=as_json)


def write(package: "Package", output: Path | None, *, as_json: bool) -> None:
    """Write a package, print its digest and what is not in it. Raises typer.Exit, OSError."""
    path = output or Path(package.file_name)
    package.write(path)
    left = list(package.left_out)
    if as_json:
        print_json({"file": str(path), "manifest_sha256": package.archive.digest, "left_out": left})
    else:
        for one in left:
            print_note(f"Not in the package: {one['what']} of {one['of']} ({one['reason']})")
        print_line(f"{path}: {path.stat().st_size:,} bytes")
        print_line(f"SHA-256 of its manifest: {package.archive.digest}")
    if left:
        raise typer.Exit(1)


def verify(
    file: Annotated[Path, typer.Argument(help="The package.")],
    *,
    digest: Annotated[
        str | None, typer.Option(help="SHA-256 of its manifest, as noted when it was made.")
    ] = None,
    recording: Annotated[
        list[Path] | None, typer.Option(help="A recording that it was made from; may be repeated.")
    ] = None,
) -> None:
    """Verify an evidence package, without a gallery: exits with 1 if any byte of it was changed.

    Without --digest this shows that the package is whole, not who made it.
    """
    from service.evidence import verifier

    given = [] if digest is None else ["--digest", digest]
    for one in recording or []:
        given += ["--recording", str(one)]
    raise typer.Exit(verifier.main([*given, "--", str(file)]))
