"""A small gallery behind an application, with keys of all kinds, and what must hold of its answers."""

import json
import re
import shutil
import tempfile
from contextlib import ExitStack
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from starlette.testclient import TestClient

from gallery import Gallery, GallerySettings, Scope
from gallery.sql import schema
from service import images
from service.app import create_app
from service.problems import MEDIA_TYPE
from service.scopes import NEEDED
from service.settings import ServiceSettings
from service.webhooks.delivering import Deliveries
from tests.fuzz.answers import text_of, validate
from tests.fuzz.entrances.base import must
from tests.fuzz.requests import KEYS, Json
from tests.service.fakes import ColourEmbedder, ContrastDetector
from tests.service.limited.team import HIDDEN, SITE, make_archive
from tests.service.videos import GREEN, RED, encoded, scene

ROOT: Final = Path(__file__).parents[2]
_REFERENCE: Final = re.compile(r"\$\{(\w+?)(?::(\d+))?\}")
# What an answer names by `id`, by the first part of its path.
_OF_PATH: Final = {
    "probes": "probe_id",
    "searches": "search_id",
    "cases": "case_id",
    "videos": "video_id",
    "uploads": "upload_id",
    "index-jobs": "job_id",
    "model-jobs": "job_id",
    "erasures": "erasure_id",
    "holds": "hold_id",
    "webhooks": "webhook_id",
}
_NAMED: Final = (
    "probe_id",
    "search_id",
    "case_id",
    "tracklet_id",
    "video_id",
    "next_cursor",
    "next_before",
    "plan_sha256",
    "upload_id",
    "job_id",
    "key_id",
    "hold_id",
)
_TELLTALE: Final = re.compile(
    r"Traceback|site-packages|sqlalchemy|sqlite3|/tmp/|\.py\b|0x[0-9a-f]{8}|127\.0\.0\.1:"
)
_KEPT: Final = 20  # ids of a kind
_UNAVAILABLE: Final = frozenset({503, 507})


@cache
def template() -> tuple[Path, str]:
    """A folder with a gallery and its media, to copy from; and the id of the hidden camera's recording."""
    root = Path(tempfile.mkdtemp(prefix="fuzz-template-"))
    (root / "gallery").mkdir()
    schema.upgrade(f"sqlite:///{root}/gallery/gallery.sqlite3")
    with Gallery.open(GallerySettings(data_dir=root / "gallery")) as gallery:
        archive = make_archive(gallery, root / "media")
        gallery.groups.add("team", ["gate", "roof"])
        return root, archive.videos[HIDDEN].id


@cache
def photos() -> dict[str, bytes]:
    """Photos by what is on them."""
    return {
        "red": encoded(scene((RED, 100, 60))),
        "green": encoded(scene((GREEN, 60, 60), (RED, 200, 60))),
        "nobody": encoded(scene()),
        "broken": encoded(scene())[:100],
    }


class World:
    """An application with its gallery in a folder; it goes on from request to request.

    Args:
        folder: for the gallery.

    Attributes:
        document: the API's description.
    """

    def __init__(self, folder: Path) -> None:
        root, self._hidden = template()
        shutil.copytree(root / "gallery", folder / "gallery")
        self._stack = ExitStack()
        data_dir = folder / "gallery"
        self.gallery = self._stack.enter_context(Gallery.open(GallerySettings(data_dir=data_dir)))
        # The few photos there are, each decoded once; and nothing leaves this process.
        images.read = lru_cache(8)(images.read)
        Deliveries.run_once = lambda self: 0  # type: ignore[method-assign]
        settings = ServiceSettings(
            data_dir=data_dir,
            media_dir=root / "media",
            max_clip_side=160,
            key_requests_per_minute=0,
            address_requests_per_minute=0,
            address_failures_per_minute=0,
        )
        app = create_app(
            settings, gallery=self.gallery, embedder=ColourEmbedder(), detector=ContrastDetector()
        )
        self._client = self._stack.enter_context(TestClient(app))
        self.document: Json = json.loads((ROOT / "openapi.json").read_text(encoding="utf-8"))
        self._operations = {
            operation["operationId"]: operation
            for methods in self.document["paths"].values()
            for operation in methods.values()
        }
        self._secrets = {name: self._make_key(name) for name in KEYS}
        self._pools: dict[str, list[str]] = {"video_id": [v.id for v in self.gallery.catalogue.videos()]}
        self._pools["tracklet_id"] = [
            f"{one}-{number}" for one in self._pools["video_id"] for number in (0, 1)
        ]
        self._planted: set[str] = set()
        self._places = (str(folder), str(root), tempfile.gettempdir())

    def ask(self, step: Json) -> int:
        """Make a request, check its answer, note what it names; returns the status.

        Raises:
            Broken: the answer is not as it must be.
        """
        sent = json.loads(_REFERENCE.sub(self._filled, json.dumps(step)))
        answer = self._client.request(**self._request(sent), follow_redirects=False)
        status = answer.status_code
        must(status < 500 or status in _UNAVAILABLE, f"{sent.get('operation')}: {status}")
        self._check_form(sent, answer)
        if sent.get("key") == "limited":
            self._check_sight(sent, answer)
        if status < 300:
            self._note(sent, answer)
        elif status == 401 and sent.get("key") not in {"wrong", "none", "ended"}:
            self._secrets[sent["key"]] = self._make_key(sent["key"])  # it was revoked by a request before
        return status

    def problems(self) -> list[str]:
        """What is wrong with the gallery and its audit trail after all that."""
        report = self.gallery.audit.verify()
        broken = [f"the audit trail is broken: {report.reason}"] if report.broken_at is not None else []
        return broken + list(self.gallery.verify().problems)

    def close(self) -> None:
        self._stack.close()

    def _make_key(self, name: str) -> str:
        """The secret of a key: of one scope, of all, or of all for the team's cameras."""
        if name in {"wrong", "none"}:
            return "sl_" + "0" * 40 if name == "wrong" else ""
        scopes = [Scope(name)] if name in set(Scope) else list(Scope)
        key, secret = self.gallery.keys.create(
            name, scopes=scopes, groups=["team"] if name == "limited" else None
        )
        if name == "ended":
            self.gallery.keys.revoke(key.id)
        return secret

    def _filled(self, found: re.Match[str]) -> str:
        pool = self._pools.get(found[1], [])
        chosen = pool[-1 - int(found[2] or 0) % len(pool)] if pool else "0" * 32
        return json.dumps(str(chosen))[1:-1]

    def _request(self, sent: Json) -> Json:
        headers = {**sent.get("headers", {})}
        if secret := self._secrets.get(sent.get("key", "")):
            headers["X-API-Key"] = secret
        headers = {name: value.encode("utf-8", "replace") for name, value in headers.items()}
        path = quote(sent["path"], safe="/:?=&%", errors="replace")
        made: Json = {
            "method": sent["method"],
            "url": f"http://testserver/{path.lstrip('/')}",
            "headers": headers,
        }
        if query := sent.get("query"):
            made["params"] = {str(name): _as_text(value) for name, value in query.items()}
        if "photo" in sent:
            made["files"] = {"file": ("photo.png", photos().get(str(sent["photo"]), b"GIF89a"))}
            if "form" in sent:
                made["data"] = {"query": json.dumps(sent["form"])}
        elif "raw" in sent:
            made["content"] = sent["raw"].encode("latin-1", "replace")
            made["headers"]["Content-Type"] = (
                b"application/json" if sent["raw"][:1] in "{[" else b"application/octet-stream"
            )
        elif "json" in sent:
            made["content"] = json.dumps(sent["json"]).encode(errors="replace")
            made["headers"]["Content-Type"] = b"application/json"
        return made

    def _check_form(self, sent: Json, answer: Any) -> None:
        """The answer is one that the description has, and tells nothing of the machine if it is an error."""
        status, kind = answer.status_code, answer.headers.get("content-type", "").partition(";")[0]
        if status >= 400:
            must(kind == MEDIA_TYPE, f"{status} is no problem document")
            validate(self.document, {"$ref": "#/components/schemas/Problem"}, answer.json(), f"{status}")
            said = answer.text
            echoed = json.dumps(sent)
            for word in (*self._places, *_TELLTALE.findall(said)):
                must(word not in said or word in echoed, f"an error names {word!r}")
        operation = self._operations.get(sent.get("operation", ""))
        if operation is None:
            return
        if not self._matches(sent) or status in {405, 307, 413, 400}:
            return
        must(f"{status}" in operation["responses"], f"{operation['operationId']} has no {status}")
        contents = operation["responses"][f"{status}"].get("content", {})
        if kind and contents and status != 204:
            must(kind in contents, f"{operation['operationId']} answers {status} with {kind}")
            if kind == "application/json":
                validate(self.document, contents[kind]["schema"], answer.json(), operation["operationId"])

    def _matches(self, sent: Json) -> bool:
        """Whether a path, as it may have been changed, is still one of the operation it was made for."""
        path = sent["path"].partition("?")[0]
        for known, methods in self.document["paths"].items():
            operation = methods.get(sent["method"].lower(), {})
            if operation.get("operationId") == sent["operation"]:
                return re.fullmatch(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(known)), path) is not None
        return False

    def _check_sight(self, sent: Json, answer: Any) -> None:
        """A key that is limited to some cameras sees nothing of others."""
        secrets, asked, said = self._hidden_names(), json.dumps(sent), text_of(answer)
        if answer.status_code < 300 and sent["method"] in {"POST", "PUT", "PATCH"}:
            self._planted |= {one for one in secrets if one in asked}
        told = [one for one in secrets if one in said and one not in asked and one not in self._planted]
        must(not told, f"{sent.get('operation')} told a limited key of {told}")
        if NEEDED.get(sent.get("operation", "")) is not None and answer.status_code < 300:
            must(
                not any(one in said for one in (HIDDEN, SITE) if one not in self._planted),
                "a hidden camera's name",
            )

    def _hidden_names(self) -> list[str]:
        seen = {
            name for group in self.gallery.groups.list() if group.name == "team" for name in group.cameras
        }
        cameras = {camera.id: camera for camera in self.gallery.catalogue.cameras()}
        hidden = {number for number, camera in cameras.items() if camera.name not in seen}
        videos = [video.id for video in self.gallery.catalogue.videos() if video.camera_id in hidden]
        names = [
            name
            for name in (HIDDEN, SITE)
            if not any(name in {c.name, c.site} for n, c in cameras.items() if n not in hidden)
        ]
        return [*names, *videos]

    def _note(self, sent: Json, answer: Any) -> None:
        """Keep the ids that an answer names."""
        if not answer.headers.get("content-type", "").startswith("application/json"):
            return
        top = _OF_PATH.get(sent["path"].split("/")[2] if sent["path"].count("/") > 1 else "")
        self._walk(answer.json(), top)

    def _walk(self, value: Any, top: str | None) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                kind = top if name == "id" else name if name in _NAMED else None
                if kind and isinstance(inner, str | int):
                    pool = self._pools.setdefault(kind, [])
                    if inner not in pool:
                        pool.append(inner)  # type: ignore[arg-type]
                        del pool[:-_KEPT]
                else:
                    self._walk(inner, top if name == "items" else None)
        elif isinstance(value, list):
            for inner in value:
                self._walk(inner, top)


def _as_text(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    return json.dumps(value).encode("utf-8", "replace").decode()
