"""The `sightline` command: one thin file a command. Nothing heavy is imported before a command needs it."""

import importlib.metadata
import os
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from sightline import (
    adapt,
    audit,
    backup,
    calibrate,
    cameras,
    cases,
    compact,
    doctor,
    erase,
    erasures,
    evaluate,
    evidence,
    groups,
    holds,
    import_crops,
    index,
    jobs,
    keys,
    marks,
    migrate,
    migrate_vectors,
    models,
    reindex,
    repair,
    retention,
    search,
    searches,
    serve,
    simulate,
    size,
    train,
    videos,
    watch,
    webhooks,
    worker,
)
from sightline.console import errors, never_fail_to_print
from sightline.failures import EXPECTED, explain
from sightline.interrupts import STATUS, announced
from sightline.variables import misspelt


class _Commands(TyperGroup):
    """Commands whose expected errors end in one line with cause and remedy instead of a traceback."""

    def invoke(self, ctx: Any) -> Any:  # the context's class is private to typer
        """Run the command; exit with 2 on an error that `explain` knows, with 130 on Ctrl-C."""
        _wait_briefly()
        never_fail_to_print()
        for warning in misspelt(os.environ):
            errors.print(f"Note: {warning}", style="yellow", soft_wrap=True)
        try:
            with announced(lambda: ctx.invoked_subcommand):
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            raise typer.Exit(STATUS) from stop
        except EXPECTED as error:
            explanation = explain(error)
            if explanation is None:
                raise
            errors.print(f"error: {explanation}", style="red", soft_wrap=True)
            raise typer.Exit(2) from error


app = typer.Typer(
    name="sightline",
    cls=_Commands,
    help="Find a person in recorded video from one photo.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"sightline {importlib.metadata.version('sightline')}")
        raise typer.Exit


@app.callback()
def sightline(
    context: typer.Context,
    *,
    purpose: Annotated[
        str | None,
        typer.Option(envvar="SIGHTLINE_PURPOSE", help="Why people are looked at; goes into the audit trail."),
    ] = None,
    case_number: Annotated[
        str | None,
        typer.Option(envvar="SIGHTLINE_CASE_NUMBER", help="The case that this is for; goes there too."),
    ] = None,
    version: Annotated[  # noqa: ARG001  (acts when it is read)
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Find a person in recorded video from one photo."""
    if purpose or case_number:
        from gallery import because

        context.with_resource(because(purpose, case_number))


def _wait_briefly() -> None:
    """Let threads of arithmetic that wait for each other sleep sooner, unless the user says how they wait.

    libgomp, which torch and FAISS compute with, reads this when it is loaded. By itself it spins 300,000
    times. Where another process has a core, the threads then spin against the one they wait for, and a step
    takes many times as long (docs/experiments.md, 2026-11-25).
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", "1000")


app.command("index")(index.index)
app.command("reindex")(reindex.reindex)
app.command("adapt")(adapt.adapt)
app.command("import-crops")(import_crops.import_crops)
app.command("search")(search.search)
app.command("refine")(search.refine)
app.command("serve")(serve.serve)
app.command("worker")(worker.worker)
app.command("watch")(watch.watch)
app.command("erase")(erase.erase)
app.command("evidence")(evidence.evidence)
app.command("verify")(evidence.verify)
app.command("evaluate")(evaluate.evaluate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("repair")(repair.repair)
app.command("compact")(compact.compact)
app.command("migrate-vectors")(migrate_vectors.migrate_vectors)
app.command("migrate")(migrate.migrate)
app.command("train")(train.train)
app.command("calibrate")(calibrate.calibrate)
app.command("size")(size.size)
app.command("doctor")(doctor.doctor)
app.add_typer(audit.app, name="audit")
app.add_typer(cameras.app, name="cameras")
app.add_typer(cases.app, name="cases")
app.add_typer(erasures.app, name="erasures")
app.add_typer(groups.app, name="groups")
app.add_typer(holds.app, name="holds")
app.add_typer(jobs.app, name="jobs")
app.add_typer(keys.app, name="keys")
app.add_typer(marks.app, name="marks")
app.add_typer(models.app, name="models")
app.add_typer(retention.app, name="retention")
app.add_typer(searches.app, name="searches")
app.add_typer(videos.app, name="videos")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(simulate.app, name="simulate")
