"""A real S3 server on loopback, in this process: moto's, which can be stopped and started again."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

from gallery import Gallery, ObjectSettings, Places

BUCKET = "recordings"
ROOT = f"s3://{BUCKET}/site/"
SECRET = "not-for-anybody-to-see"


class Store:
    """The server and a client of it."""

    def __init__(self) -> None:
        self._server: ThreadedMotoServer | None = None
        self.port = 0
        self.start()
        self.client = boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id="tests",
            aws_secret_access_key=SECRET,
        )
        for bucket in (BUCKET, "secrets"):
            self.client.create_bucket(Bucket=bucket)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        if self._server is not None:
            return
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        self.port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        if self._server is not None:
            self._server.stop()
        self._server = None

    @contextmanager
    def away(self) -> Iterator[None]:
        """Nobody answers for as long as the block lasts; what is stored stays."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def put(self, key: str, content: bytes, bucket: str = BUCKET) -> str:
        """Store an object; its URL."""
        self.client.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def remove(self, url: str) -> None:
        bucket, _, key = url.removeprefix("s3://").partition("/")
        self.client.delete_object(Bucket=bucket, Key=key)

    def settings(self, **changes: object) -> ObjectSettings:
        given = {"object_roots": ROOT, "object_endpoint": self.endpoint, **changes}
        return ObjectSettings.model_validate(given)

    def connect(self, gallery: Gallery, **changes: object) -> None:
        """Let a gallery read recordings from here."""
        gallery.places.close()
        gallery.places = Places(self.settings(**changes), gallery.data_dir)
