"""Settings of the gallery: one directory for files and one database."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from gallery.database_urls import SQLITE_PREFIX, database_url
from gallery.object_urls import checked_url

EXACT_TRACKLETS = 20_000_000
RECALL = 0.99


class ObjectSettings(BaseSettings):
    """Which recordings may be read from an object store, and where that is.

    `object_roots` are URLs, s3://BUCKET/ or s3://BUCKET/FOLDER/, separated by commas: only objects below them
    are recordings. `object_endpoint` is the URL of an S3-compatible store; None: Amazon's.
    `max_object_bytes`: larger objects are refused.
    `max_copies_bytes`: room for the copies that clips are cut from.
    """

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", extra="ignore")

    object_roots: Annotated[tuple[str, ...], NoDecode] = ()
    object_endpoint: str | None = None
    max_object_bytes: int = Field(default=32 << 30, ge=1)
    max_copies_bytes: int = Field(default=20 << 30, ge=0)

    @field_validator("object_roots", mode="before")
    @classmethod
    def _roots(cls, value: object) -> object:
        given = value.split(",") if isinstance(value, str) else value
        if not isinstance(given, list | tuple):
            return given
        return tuple(checked_url(root.strip(), root=True) for root in given if root.strip())

    @field_validator("object_endpoint")
    @classmethod
    def _endpoint(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError("must be http://HOST:PORT or https://HOST, without user or password")
        return value


class GallerySettings(ObjectSettings):
    """Settings of the gallery; from the environment as SIGHTLINE_DATA_DIR and SIGHTLINE_DATABASE_URL.

    `data_dir` must lie on one file system that all processes of the installation share and that has flock.
    `database_url` is sqlite:///FILE or postgresql://...; None means a SQLite file in `data_dir`.
    `database_pool`: connections to PostgreSQL that a process keeps once it has needed them;
    `database_pool_overflow`: how many more it may have at a time. `database_pool_seconds`: who waits for
    longer until one is free is told that the database is unavailable.
    `vectors` says where vectors of new recordings go: into files that FAISS searches, or into Milvus.
    `milvus_uri` says where Milvus is: http://HOST:19530, or FILE.db for milvus-lite; `milvus_token` is
    USER:PASSWORD where it asks for one.
    `anchor_key` is the file of the key that signs anchors of the audit trail, by default `keys/anchor.pem` in
    `data_dir`; into `anchor_dir` workers write one a day.
    `erasure_dir`: a folder into which the certificate of each erasure is written, for restores to repeat it.
    `audit_keep_days`: events that are younger are not pruned.
    `exact_tracklets`: galleries whose model has fewer are searched exactly; in larger ones a worker makes
    clusters of large segments, which are to find the share `recall` of what an exact search finds.
    `require_purpose` and `require_case_number`: a look at people has to say why (`gallery.because`).
    """

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", extra="ignore")

    data_dir: Path = Path("data")
    database_url: str | None = None
    database_pool: int = Field(default=10, ge=1, le=1000)
    database_pool_overflow: int = Field(default=10, ge=0, le=1000)
    database_pool_seconds: float = Field(default=5.0, gt=0, le=600)
    vectors: Literal["faiss", "milvus"] = "faiss"
    milvus_uri: str | None = None
    milvus_token: SecretStr | None = None
    anchor_key: Path | None = None
    anchor_dir: Path | None = None
    erasure_dir: Path | None = None
    audit_keep_days: int = Field(default=365, ge=0, le=36_500)
    exact_tracklets: int = Field(default=EXACT_TRACKLETS, ge=1)
    recall: float = Field(default=RECALL, ge=0.5, le=0.9999)
    require_purpose: bool = False
    require_case_number: bool = False

    @field_validator("database_url")
    @classmethod
    def _supported(cls, value: str | None) -> str | None:
        if value is not None:
            database_url(value)
        return value

    @field_validator("milvus_uri")
    @classmethod
    def _reachable(cls, value: str | None) -> str | None:
        if value is None or value.startswith(("http://", "https://")) or value.endswith(".db"):
            return value
        raise ValueError("must begin with http:// or https://, or name a file that ends in .db")

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.vectors == "milvus" and self.milvus_uri is None:
            raise ValueError("SIGHTLINE_VECTORS=milvus needs SIGHTLINE_MILVUS_URI")
        return self

    @property
    def resolved_anchor_key(self) -> Path:
        """The file of the key that signs anchors."""
        return self.anchor_key or self.data_dir / "keys" / "anchor.pem"

    @property
    def resolved_database_url(self) -> str:
        """The URL of the database that is used."""
        return self.database_url or f"{SQLITE_PREFIX}{(self.data_dir / 'gallery.sqlite3').absolute()}"
