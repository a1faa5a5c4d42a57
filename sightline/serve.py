"""`sightline serve`: the HTTP service with its web page."""

import socket
from contextlib import suppress
from typing import Annotated

import typer

from gallery.tracing import end as end_traces
from sightline.console import DataDir, open_gallery, print_line, read_settings
from sightline.failures import CommandError
from sightline.logs import LogSettings, of_server, trace, write_printable_logs

_LAST_ANSWERS_SECONDS = 20  # of requests that are under way when the server is told to stop


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port [default: 8000].")] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the API and the web page until Ctrl-C. Index jobs need a `sightline worker` beside it."""
    import uvicorn

    from service.access.first_key import take_first_key
    from service.app import create_app
    from service.connections import BACKLOG, KEEP_ALIVE_SECONDS, limited, limits_of
    from service.settings import ServiceSettings

    logs = read_settings(LogSettings)
    write_printable_logs(logs)
    settings = read_settings(ServiceSettings, data_dir=data_dir, host=host, port=port)
    with open_gallery(
        settings
    ) as gallery:  # a wrong schema or an unreachable database is reported in one line
        if settings.first_key_file is not None:
            take_first_key(gallery, settings.first_key_file)
    app = create_app(settings)
    trace("sightline-server")
    require_free(settings.host, settings.port)
    with suppress(OSError):  # as in logs.Lines
        print_line(f"Sightline serves http://{settings.host}:{settings.port}")
    try:
        uvicorn.run(
            app,
            host=settings.host,
            port=settings.port,
            http=limited(limits_of(settings)),
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            log_config=of_server(logs),
            access_log=False,  # ours has one line a request
            proxy_headers=False,  # uvicorn would trust all of this machine; we trust who is named
            timeout_graceful_shutdown=_LAST_ANSWERS_SECONDS,
        )
    finally:
        end_traces()


def require_free(host: str, port: int) -> None:
    """Raise CommandError when nothing can listen there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        socket.create_server((host, port), family=family).close()
    except OSError as error:
        cause = str(error.strerror).partition(" (")[0]  # what follows says the address again
        raise CommandError(
            f"cannot listen on {host} port {port}: {cause}", "choose another, like 8001"
        ) from error
