"""`sightline webhooks`: registered with a secret that is shown once, listed, deleted."""

import json

import pytest

from gallery import Gallery, GallerySettings
from tests.sightline.conftest import Run


def test_registered_listed_and_deleted(
    run: Run, sqlite_settings: GallerySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    refused = run("webhooks", "create", "http://169.254.169.254/latest")
    assert (refused.exit_code, len(refused.stderr.strip().splitlines())) == (2, 1)
    assert "SIGHTLINE_WEBHOOK_HOSTS" in refused.stderr

    monkeypatch.setenv("SIGHTLINE_WEBHOOK_HOSTS", "127.0.0.1, hooks.internal")
    made = json.loads(run("webhooks", "create", "http://127.0.0.1:9/told", "--json").output)
    assert made["secret"].startswith("whsec_")
    assert "http://127.0.0.1:9/told" in run("webhooks", "list").output
    assert made["secret"] not in run("webhooks", "list", "--json").output
    assert "Nothing yet" in run("webhooks", "deliveries", made["id"]).output
    assert run("webhooks", "delete", made["id"]).exit_code == 0
    assert run("webhooks", "delete", made["id"]).exit_code == 2
    assert "No webhook yet" in run("webhooks", "list").output
    with Gallery.open(sqlite_settings) as gallery:
        assert gallery.webhooks.list() == []
