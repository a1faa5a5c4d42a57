"""A caller of the service's API. It follows no redirects, which would carry the key away."""

import http.client
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any, Final
from urllib.parse import quote, urlsplit

from gallery.reason import current
from sightline.failures import CommandError

_TIMEOUT_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 60.0  # with a service that is not ready yet
_BOUNDARY: Final = "sightline-4d1f7a0c9be2"


class Client:
    """A service by its URL.

    Args:
        url: where it is, such as http://127.0.0.1:8000.
        key: an API key; None for a service that needs none.

    Raises:
        CommandError: not an http or https URL.
    """

    def __init__(self, url: str, key: str | None) -> None:
        try:
            parts = urlsplit(url)
            self._port = parts.port
        except ValueError as error:
            raise _no_url(url) from error
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise _no_url(url)
        self._url, self._host, self._path = url, parts.hostname, parts.path.rstrip("/")
        self._kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._headers = {} if key is None else {"X-API-Key": key}
        reason = current()
        for name, value in (("X-Purpose", reason.purpose), ("X-Case-Number", reason.case_number)):
            if value is not None:
                self._headers[name] = quote(value)

    def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Send JSON, return the JSON of the answer. Raises CommandError."""
        return self._send("POST", path, json.dumps(body).encode(), "application/json")

    def get(self, path: str) -> dict[str, Any]:
        """Return the JSON of the answer. Raises CommandError."""
        return self._send("GET", path)

    def ready(self) -> bool:
        """Return whether the service listens and has loaded its networks."""
        try:
            status, _ = self._ask("GET", "/readyz", None, {})
        except CommandError:
            return False
        return status == http.HTTPStatus.OK

    def search(self, photo: bytes, query: Mapping[str, Any]) -> dict[str, Any]:
        """Search for the person on a photo (JPEG, PNG or WebP). Raises CommandError."""
        return self._send_form("/v1/searches/by-photo", photo, {"query": json.dumps(query)})

    @contextmanager
    def probe(self, photo: bytes) -> Iterator[dict[str, Any]]:
        """Upload a photo; it is deleted afterwards. Raises CommandError."""
        made = self._send_form("/v1/probes", photo, {})
        path = f"/v1/probes/{made['id']}"
        try:
            yield made
        except BaseException:
            with suppress(CommandError):  # the first error says more
                self._send("DELETE", path)
            raise
        self._send("DELETE", path)

    def _send_form(self, path: str, photo: bytes, fields: Mapping[str, str]) -> dict[str, Any]:
        """POST a photo as the file of a form, with other fields."""
        # The service looks at the bytes; name and type of the file say nothing to it.
        parts = [('name="file"; filename="photo"\r\nContent-Type: application/octet-stream', photo)]
        parts += [(f'name="{name}"', value.encode()) for name, value in fields.items()]
        body = b"".join(
            f"--{_BOUNDARY}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + content + b"\r\n"
            for head, content in parts
        )
        kind = f"multipart/form-data; boundary={_BOUNDARY}"
        return self._send("POST", path, body + f"--{_BOUNDARY}--\r\n".encode(), kind)

    def _send(
        self, method: str, path: str, body: bytes | None = None, content_type: str | None = None
    ) -> dict[str, Any]:
        """One request; a service that still loads its networks is waited for."""
        headers = self._headers | ({"Content-Type": content_type} if content_type else {})
        deadline = time.monotonic() + _PATIENCE_SECONDS
        status, content = self._ask(method, path, body, headers)
        while status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.monotonic() < deadline:
            time.sleep(0.5)
            status, content = self._ask(method, path, body, headers)
        if not 200 <= status < 300:
            raise _refused(self._url, status, content)
        return _parsed(self._url, content) if content else {}

    def _ask(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[int, bytes]:
        connection = self._kind(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, self._path + path, body, dict(headers))
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise CommandError(
                f"cannot reach {self._url}: {error}", "start `sightline serve` there"
            ) from error
        except ValueError as error:  # a header that cannot be sent
            raise CommandError("not an API key", "`sightline keys create` makes one") from error
        finally:
            connection.close()


def _parsed(url: str, content: bytes) -> dict[str, Any]:
    try:
        values = json.loads(content)
    except ValueError as error:
        raise _stranger(url) from error
    if not isinstance(values, dict):
        raise _stranger(url)
    return values


def _refused(url: str, status: int, content: bytes) -> CommandError:
    """Return an error with the detail of the service's problem document."""
    detail = _parsed(url, content).get("detail")
    if not isinstance(detail, str):
        return _stranger(url)
    if status == http.HTTPStatus.UNAUTHORIZED:
        remedy = "`sightline keys create` makes a key; give it as SIGHTLINE_API_KEY"
    elif detail.startswith("There is no camera"):
        remedy = "--data-dir must name the gallery that the service reads"
    else:
        remedy = "see docs/api.md"
    return CommandError(f"{url} refused: {detail}", remedy)


def _no_url(url: str) -> CommandError:
    return CommandError(f"no URL of a service: {url!r}", "write it like http://127.0.0.1:8000")


def _stranger(url: str) -> CommandError:
    return CommandError(f"{url} does not answer as Sightline does", "check the URL")
