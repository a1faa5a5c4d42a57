"""`sightline doctor`: what works on this machine."""

from dataclasses import asdict
from typing import Annotated

import typer

from sightline.console import AsJson, DataDir, output, print_json, print_line, read_settings

_STYLES = {"ok": "green", "warning": "yellow", "failed": "bold red"}


def doctor(
    *,
    deep: Annotated[
        bool, typer.Option("--deep", help="Look at all rows, files and vectors, and at the audit trail.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Check what works on this machine.

    Looks at device, torchvision, model, detector, FAISS, FFmpeg, database, Milvus, object store and disk.
    Exits with 1 when a part has failed; warnings do not count.
    """
    from service.settings import ServiceSettings
    from sightline.checks import examine

    findings = []
    for finding in examine(read_settings(ServiceSettings, data_dir=data_dir), deep=deep):
        findings.append(finding)
        if not as_json:
            output.print(f"{finding.state:8}", style=_STYLES[finding.state], end="")
            print_line(f"{finding.part:12} {finding.detail}")
    if as_json:
        print_json([asdict(finding) for finding in findings])
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)
