"""Who the caller is and whether there is TLS says the connection, or a proxy that is named."""

from collections.abc import Callable

import pytest
from fastapi import FastAPI
from pydantic import ValidationError
from starlette.testclient import TestClient

from service.settings import ServiceSettings
from tests.service.conftest import Archive

FORWARDED = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.7"}


@pytest.mark.parametrize(
    ("trusted", "peer", "sent", "address", "tls"),
    [
        ((), "127.0.0.1", FORWARDED, "127.0.0.1", False),
        (("10.0.0.0/8",), "127.0.0.1", FORWARDED, "127.0.0.1", False),
        (("10.0.0.0/8", "127.0.0.1"), "10.1.2.3", FORWARDED, "203.0.113.7", True),
        (("::1",), "::1", {**FORWARDED, "X-Forwarded-Proto": "http"}, "203.0.113.7", False),
        # What a visitor sends along stands before what the proxy adds.
        (("10.0.0.1",), "10.0.0.1", {"X-Forwarded-For": "10.0.0.9, 198.51.100.3"}, "198.51.100.3", False),
        (("10.0.0.1",), "10.0.0.1", {"X-Forwarded-Proto": "ftp", "X-Forwarded-For": ""}, "10.0.0.1", False),
        (("10.0.0.1",), "10.0.0.1", {"X-Forwarded-For": "192.0.2.9\x1b[2J"}, "unknown", False),
        (("10.0.0.1",), "10.0.0.1", {"X-Forwarded-For": "_hidden"}, "_hidden", False),
    ],
)  # fmt: skip
def test_only_a_named_proxy_speaks_for_others(
    make_app: Callable[..., FastAPI],
    archive: Archive,
    secret: str,
    trusted: tuple[str, ...],
    peer: str,
    sent: dict[str, str],
    address: str,
    tls: bool,
) -> None:
    with TestClient(make_app(trusted_proxies=trusted), client=(peer, 5)) as client:
        answer = client.post("/v1/session", headers={"X-API-Key": secret, **sent})
    assert answer.status_code == 201
    assert answer.headers["set-cookie"].startswith("__Host-") is tls
    (event, *_) = archive.gallery.audit.events(action="session.open")
    assert event.detail == {"address": address}


def test_a_proxy_is_named_by_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGHTLINE_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    assert ServiceSettings().trusted_proxies == ("10.0.0.0/8", "::1")
    for wrong in ("proxy.example", "*", "10.0.0.1/8", "10.0.0"):
        monkeypatch.setenv("SIGHTLINE_TRUSTED_PROXIES", wrong)
        with pytest.raises(ValidationError):
            ServiceSettings()
