"""`sightline serve`: the HTTP service with its web page."""

from typing import Annotated

import typer

from sightline.console import DataDir, open_gallery, output, read_settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")] = None,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port [default: 8000].")] = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the API and the web page until Ctrl-C. Index jobs need a `sightline worker` beside it."""
    import uvicorn

    from service.app import create_app
    from service.settings import ServiceSettings

    settings = read_settings(ServiceSettings, data_dir=data_dir, host=host, port=port)
    open_gallery(settings).close()  # a wrong schema or an unreachable database ends the start in one line
    app = create_app(settings)
    output.print(f"Sightline serves http://{settings.host}:{settings.port}", soft_wrap=True)
    uvicorn.run(app, host=settings.host, port=settings.port, log_level="info")
