"""`sightline webhooks`: who is told that a job has ended."""

from dataclasses import asdict
from typing import Annotated

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

app = typer.Typer(help="Tell programs when jobs end.", no_args_is_help=True, rich_markup_mode=None)
WebhookId = Annotated[
    str, typer.Argument(metavar="ID", help="The webhook's id, as `sightline webhooks list` shows it.")
]


@app.command()
def create(
    url: Annotated[str, typer.Argument(help="Where to POST to: http or https.")],
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Register an address that gets a signed POST for each job that ends.

    Its secret is shown this once. `sightline serve` delivers.
    """
    from service.settings import ServiceSettings
    from service.webhooks.registering import register

    settings = read_settings(ServiceSettings, data_dir=data_dir)
    with open_gallery(settings) as gallery:
        webhook, secret = register(gallery, url, settings.webhook_hosts)
    if as_json:
        print_json({**asdict(webhook), "secret": secret})
    else:
        print_line(f"Webhook {webhook.id}. The secret that signs, shown this once:")
        typer.echo(secret)


@app.command("list")
def list_webhooks(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """List webhooks."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        rows = [asdict(webhook) for webhook in gallery.webhooks.list()]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, empty="No webhook yet: `sightline webhooks create URL` registers one.")


@app.command()
def deliveries(webhook_id: WebhookId, data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Show what a webhook was told, how often it was tried, and why it failed."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        rows = [asdict(delivery) for delivery in gallery.webhooks.deliveries(webhook_id)]
    if as_json:
        print_json(rows)
    else:
        print_table(rows, empty="Nothing yet: it is told of jobs that end.")


@app.command()
def delete(webhook_id: WebhookId, data_dir: DataDir = None) -> None:
    """Delete a webhook, with all that it was still to be told."""
    with open_gallery(read_settings(GallerySettings, data_dir=data_dir)) as gallery:
        gallery.webhooks.delete(webhook_id)
    print_line(f"Webhook {webhook_id} is deleted.")
