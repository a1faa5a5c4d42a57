"""A real S3 server on loopback, in this process: moto's, which can be stopped and started again."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

import boto3
from moto.core import enable_iam_authentication
from moto.server import ThreadedMotoServer

from gallery import Gallery, ObjectSettings, Places

BUCKET = "recordings"
ROOT = f"s3://{BUCKET}/site/"
_USERS = count()
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

    @contextmanager
    def guarded(self, *, listing: bool = True, refused: str = "refused") -> Iterator[dict[str, str]]:
        """It looks at credentials for as long as the block lasts: those that may read, as variables.

        Args:
            listing: whether they may list the bucket, too.
            refused: how the keys of objects begin that they may not read.
        """
        known = {"region_name": "us-east-1", "aws_access_key_id": "tests", "aws_secret_access_key": SECRET}
        access = boto3.client("iam", endpoint_url=self.endpoint, **known)
        user, bucket = f"reader-{next(_USERS)}", f"arn:aws:s3:::{BUCKET}"
        access.create_user(UserName=user)
        made = access.create_access_key(UserName=user)["AccessKey"]
        actions = ["s3:GetObject", "s3:HeadObject", *(["s3:ListBucket"] if listing else [])]
        may = {"Effect": "Allow", "Action": actions, "Resource": [bucket, f"{bucket}/*"]}
        may_not = {"Effect": "Deny", "Action": "s3:*", "Resource": f"{bucket}/site/{refused}*"}
        policy = {"Version": "2012-10-17", "Statement": [may, may_not]}
        access.put_user_policy(UserName=user, PolicyName="reads", PolicyDocument=json.dumps(policy))
        with enable_iam_authentication():
            yield {"AWS_ACCESS_KEY_ID": made["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": made["SecretAccessKey"]}

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
        others = gallery.places.objects.others
        gallery.places = Places(self.settings(**changes), gallery.data_dir, others=others)
