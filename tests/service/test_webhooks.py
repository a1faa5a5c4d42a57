"""Webhooks over HTTP: they lead nowhere inside, whatever the name says, and what arrives is signed."""

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gallery import DueDelivery, Scope
from service.errors import BadWebhook
from service.webhooks.addresses import is_public, resolved, target_of
from service.webhooks.delivering import Deliveries
from service.webhooks.sending import send
from service.webhooks.signing import DELIVERY, SIGNATURE, signature
from tests.service.conftest import NOON, Archive
from tests.waiting import PATIENCE, until

GUIDE = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
PUBLIC = "93.184.215.14"


def answers(*addresses: str) -> Callable[[str, int], Sequence[str]]:
    """A resolver that knows one host."""
    return lambda host, port: addresses


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://169.254.169.254/latest/meta-data/",
            "http://localhost/",
            "http://LOCALHOST.:8000/",
            "http://127.0.0.1/",
        ),
        *("http://127.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://0/"),
        *(
            "http://[::1]/",
            "http://[::]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
        ),
        *(
            "http://[64:ff9b::a9fe:a9fe]/",
            "http://[2002:7f00:1::]/",
            "http://10.0.0.1/",
            "http://192.168.1.1/",
        ),
        *("http://192.0.0.192/", "http://168.63.129.16/", "http://[3fff::1]/"),
        *("http://100.64.0.1/", "http://224.0.0.1/", "http://255.255.255.255/", "http://0.0.0.0:8000/v1"),
    ],
)
def test_no_notation_leads_inside(url: str) -> None:
    """By the machine's own resolver, which knows more notations than we do."""
    with pytest.raises(BadWebhook, match=r"not a public one|cannot be resolved|no host"):
        target_of(url, ())


@pytest.mark.parametrize(
    "url",
    [
        *(
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com",
            "//example.com",
            "example.com",
            "https://",
        ),
        *("https://user@example.com/", "https://user:word@example.com/", "https://example.com#@10.0.0.1/"),
        *(
            "https://example.com:0/",
            "https://example.com:99999/",
            "https://exa mple.com/",
            "https://example.com/\r\nX: y",
        ),
        *(
            "https://example.com\\@10.0.0.1/",
            "https://ex\u00e4mple.com/",
            "https://[::1/",
            "https://a%0ab/",
            "x" * 3000,
        ),
    ],
)
def test_what_is_no_url_of_a_webhook_is_refused(url: str) -> None:
    with pytest.raises(BadWebhook):
        target_of(url, (), answers(PUBLIC))


def test_every_address_of_a_name_has_to_be_public() -> None:
    target = target_of("https://example.com/a?b=c", (), answers(PUBLIC, "2606:2800:21f::1"))
    assert (target.secure, target.host, target.port, target.address, target.path) == (
        True,
        "example.com",
        443,
        PUBLIC,
        "/a?b=c",
    )
    for addresses in ((PUBLIC, "10.0.0.7"), ("::1",), ("not an address",), ()):
        with pytest.raises(BadWebhook):
            target_of("https://example.com/", (), answers(*addresses))
    inside = target_of("http://Hooks.internal:9000/", ("hooks.INTERNAL",), answers("10.0.0.7"))
    assert (inside.address, inside.port, inside.path) == ("10.0.0.7", 9000, "/")
    with pytest.raises(BadWebhook):  # what is listed is a host, not what ends like it
        target_of("http://evil-hooks.internal/", ("hooks.internal",), answers("10.0.0.7"))
    assert [is_public(a) for a in (PUBLIC, "8.8.8.8", "2606:2800:21f::1", "::ffff:8.8.8.8")] == [True] * 4
    assert resolved("127.0.0.1", 80) == ["127.0.0.1"]


@dataclass
class Receiver:
    """A server that notes what it gets, and answers as it is told."""

    port: int
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    drip: Callable[[Any], None] | None = None

    @property
    def url(self) -> str:
        return f"http://hook.test:{self.port}/told"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            told.got.append((self.path, dict(self.headers), body))
            if told.drip is not None:
                told.drip(self.connection)
                return
            self.send_response(told.status)
            for name, value in told.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        told = Receiver(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield told
        server.shutdown()
        thread.join(PATIENCE)


DELIVERED = DueDelivery("d" * 32, "http://hook.test/", "whsec_x", '{"id":1}', 1)


def try_sending(receiver: Receiver, *, seconds: float = 30.0) -> None:
    send(DELIVERED, target_of(receiver.url, ("hook.test",), answers("127.0.0.1")), seconds=seconds)


def is_genuine() -> Callable[..., bool]:
    """The function that the guide shows."""
    (snippet,) = re.findall(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL)
    names: dict[str, Any] = {}
    exec(snippet, names)
    found: Callable[..., bool] = names["is_genuine"]
    return found


def test_what_arrives_is_signed_as_the_guide_verifies(receiver: Receiver) -> None:
    try_sending(receiver)
    ((path, headers, body),) = receiver.got
    assert (path, body, headers[DELIVERY]) == ("/told", b'{"id":1}', DELIVERED.id)
    assert headers["Host"] == f"hook.test:{receiver.port}"
    verify, header = is_genuine(), headers[SIGNATURE]
    assert verify(DELIVERED.secret, header, body)
    assert not verify("whsec_y", header, body)
    assert not verify(DELIVERED.secret, header, body + b" ")
    old = signature(DELIVERED.secret, body, int(time.time()) - 3600)
    assert not verify(DELIVERED.secret, old, body)
    assert verify(DELIVERED.secret, old, body, oldest=7200)
    for forged in ("", "t=,v1=", "t=x,v1=y", header.replace("t=", "t=1"), header.partition(",")[0], "v1,t"):
        assert not verify(DELIVERED.secret, forged, body)


def test_a_name_that_means_something_else_later_is_not_followed(receiver: Receiver) -> None:
    """DNS rebinding: public when it is checked, inside when it is asked again; it is not asked again."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    target = target_of(receiver.url, (), rebinding)
    assert (target.address, asked) == (PUBLIC, ["hook.test"])
    with pytest.raises(BadWebhook, match="not a public one"):
        target_of(receiver.url, (), rebinding)
    connected: list[tuple[str, int]] = []

    def watched(address: tuple[str, int], timeout: float | None = None) -> socket.socket:
        connected.append(address)
        found = socket.socket()
        found.settimeout(timeout)
        found.connect(("127.0.0.1", receiver.port))
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("socket.create_connection", watched)
        patch.setattr("socket.getaddrinfo", lambda *_, **__: pytest.fail("asked again"))
        send(DELIVERED, target)
    assert connected == [(PUBLIC, receiver.port)]


def test_redirects_and_errors_are_failures(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")  # proxies of the environment do not count
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
    for status in (301, 302, 307, 308):
        receiver.status = status
        with pytest.raises(BadWebhook, match="redirects are not followed"):
            try_sending(receiver)
    for status in (404, 500):
        receiver.status = status
        with pytest.raises(BadWebhook, match=f"answered {status}"):
            try_sending(receiver)
    assert {path for path, _, _ in receiver.got} == {"/told"}
    with socket.create_server(("127.0.0.1", 0)) as closed:
        receiver.port = closed.getsockname()[1]
    with pytest.raises(BadWebhook, match="no answer: ConnectionRefusedError"):
        try_sending(receiver)


def test_a_server_that_never_ends_is_cut_off(receiver: Receiver) -> None:
    def silent(connection: socket.socket) -> None:
        connection.recv(1)  # until we hang up

    def dripping(connection: socket.socket) -> None:
        try:
            connection.sendall(b"HTTP/1.1 200 OK\r\n")
            while True:
                connection.sendall(b"X-More: x\r\n" if len(receiver.got) % 2 else b"H")
                threading.Event().wait(0.02)
        except OSError:
            return

    def for_ever_continuing(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                threading.Event().wait(0.01)
        except OSError:
            return

    for drip in (silent, dripping, dripping, for_ever_continuing):
        receiver.drip = drip
        with pytest.raises(BadWebhook, match="no answer"):
            try_sending(receiver, seconds=0.3)


def test_from_the_end_of_a_job_to_the_answer(
    make_app: Callable[..., FastAPI], archive: Archive, receiver: Receiver
) -> None:
    _, secret = archive.gallery.keys.create("boss", scopes=[Scope.ADMINISTER, Scope.INDEX])
    app = make_app(webhook_hosts=("localhost",))
    url = f"http://localhost:{receiver.port}/told"
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        made = client.post("/v1/webhooks", json={"url": url})
        assert made.status_code == 201, made.text
        hook = made.json()
        assert made.headers["location"] == f"/v1/webhooks/{hook['id']}"
        for bad in ("http://169.254.169.254/", "http://127.0.0.1:1/", "ftp://localhost/", "", "x" * 3000):
            refused = client.post("/v1/webhooks", json={"url": bad})
            assert refused.status_code == 422, bad
        listed = client.get("/v1/webhooks").json()["items"]
        assert [one["id"] for one in listed] == [hook["id"]]
        assert "secret" not in listed[0]
        recording = {"path": "gate.mp4", "camera": "gate", "start": NOON.isoformat()}
        job = client.post("/v1/index-jobs", json={"recordings": [recording]}).json()
        client.post(f"/v1/index-jobs/{job['id']}/cancel")
        until(lambda: receiver.got)
        ((_, headers, body),) = receiver.got
        assert is_genuine()(hook["secret"], headers[SIGNATURE], body)
        told = json.loads(body)
        assert (told["job"]["id"], told["job"]["state"]) == (job["id"], "cancelled")
        deliveries = f"/v1/webhooks/{hook['id']}/deliveries"
        (delivery,) = until(lambda: [d for d in client.get(deliveries).json()["items"] if d["delivered_at"]])
        assert (delivery["id"], delivery["attempts"], delivery["reason"]) == (told["id"], 1, None)
        assert client.delete(f"/v1/webhooks/{hook['id']}").status_code == 204
        assert client.delete(f"/v1/webhooks/{hook['id']}").status_code == 404
        assert client.get(deliveries).status_code == 404
    actions = [event.action for event in archive.gallery.audit.events(limit=20)]
    assert {"webhook.create", "webhook.delete"} <= set(actions)


def test_what_fails_is_recorded_and_tried_again(archive: Archive, receiver: Receiver) -> None:
    gallery = archive.gallery
    hook, _ = gallery.webhooks.create(receiver.url)
    with job_ended(archive):
        receiver.status = 500
        tell = Deliveries(gallery, ("hook.test",), resolve=answers("127.0.0.1"))
        assert (tell.run_once(), tell.run_once()) == (1, 0)
        (delivery,) = gallery.webhooks.deliveries(hook.id)
        assert (delivery.attempts, delivery.reason) == (1, "answered 500")
        assert delivery.next_at is not None
        inside = Deliveries(gallery, (), resolve=answers("127.0.0.1"))
    with job_ended(archive):
        assert inside.run_once() == 1
    (latest, _) = gallery.webhooks.deliveries(hook.id)
    assert "is not a public one" in str(latest.reason)
    assert len(receiver.got) == 1


@contextmanager
def job_ended(archive: Archive) -> Iterator[None]:
    from gallery import NewRecording

    camera = archive.gallery.catalogue.camera_named("gate").id
    job = archive.gallery.jobs.file([NewRecording(camera, "/x.mp4", "x.mp4", False, NOON)])
    archive.gallery.jobs.cancel(job.id)
    yield
