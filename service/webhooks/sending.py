"""Sends one delivery: to the address that was checked, within a time, and reads nothing but the status.

Neither proxies of the environment nor redirects are followed: both would lead elsewhere than was checked.
"""

import http.client
import socket
import ssl
import threading
import time
from contextlib import suppress
from typing import Final

from gallery import DueDelivery
from service.errors import BadWebhook
from service.webhooks.addresses import Target
from service.webhooks.signing import DELIVERY, SIGNATURE, signature

SECONDS: Final = 10.0  # for all of a delivery
_AGENT: Final = "Sightline-Webhooks/1"


class _Connection(http.client.HTTPConnection):
    """A connection to an address that was chosen before, under the name of its host."""

    def __init__(self, target: Target, seconds: float) -> None:
        super().__init__(target.host, target.port, timeout=seconds)
        self._target = target

    def connect(self) -> None:
        """Connect; with TLS the certificate has to be the host's."""
        self.sock = socket.create_connection((self._target.address, self._target.port), self.timeout)
        if self._target.secure:
            context = ssl.create_default_context()
            # The handshake comes afterwards: a slow one is cut off by the socket that is known by then.
            self.sock = context.wrap_socket(
                self.sock, server_hostname=self._target.host, do_handshake_on_connect=False
            )
            self.sock.do_handshake()


def send(delivery: DueDelivery, target: Target, *, seconds: float = SECONDS) -> None:
    """Post a delivery. Raises BadWebhook unless it is answered with 200 to 299 in time."""
    body = delivery.body.encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": _AGENT,
        "Connection": "close",
        DELIVERY: delivery.id,
        SIGNATURE: signature(delivery.secret, body, int(time.time())),
    }
    connection = _Connection(target, seconds)
    late = threading.Event()

    def cut() -> None:
        """End an exchange whose every byte comes in time, and which never ends."""
        late.set()
        with suppress(OSError):
            if connection.sock is not None:
                connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        connection.request("POST", target.path, body, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = f"no answer within {seconds:g} s" if late.is_set() or isinstance(error, TimeoutError) else ""
        raise BadWebhook(why or f"no answer: {type(error).__name__}") from error
    finally:
        timer.cancel()
        connection.close()
    if late.is_set():  # what was cut off looks like an answer that has ended
        raise BadWebhook(f"no answer within {seconds:g} s")
    if 300 <= status < 400:
        raise BadWebhook(f"answered {status}: redirects are not followed")
    if not 200 <= status < 300:
        raise BadWebhook(f"answered {status}")
