"""Settings of the service, read from SIGHTLINE_* variables."""

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from gallery import GallerySettings, RankBy
from service.errors import UnsafeSettings
from service.roles import Role

MIB = 1024 * 1024


class ServiceSettings(GallerySettings):
    """Settings of the HTTP service; the gallery's own come with them.

    Attributes:
        media_dir: folder under which index jobs may name recordings; None allows uploads only.
        max_image_bytes, max_pixels: largest probe photo, as sent and decoded.
        max_upload_bytes: largest recording that may be uploaded.
        max_key_upload_bytes: most bytes that the uploads of one key may take, announced and stored.
        max_key_uploads: most uploads that one key may have begun and not yet filed for a job.
        max_key_probes: most probes that one key may have at a time.
        probe_retention_days: a probe is removed with its photo after so long; by default never.
        upload_ttl_hours: an upload that nobody continued or filed for so long is removed.
        first_key_file: a file with the first key, taken at the start of the server while there is none.
        allow_anonymous: serve callers without a key, from this machine only.
        session_idle_minutes, session_hours: a session of the page ends when it is not used for so long, and
            however much it is used.
        oidc_issuer: URL of an OpenID Connect issuer whose bearer tokens open the API; none by default.
        oidc_audience: what tokens for this service name as their audience.
        oidc_roles_claim: where in a token its roles stand; dots lead into objects.
        oidc_roles: the scopes of each role, as JSON: {"analyst": ["search", "view"]}, or with the camera
            groups that it sees: {"analyst": {"scopes": ["search", "view"], "groups": ["north"]}}.
        oidc_leeway_seconds: by how much the clocks of issuer and server may differ.
        trusted_proxies: addresses or networks of proxies that say truly whose request it is and whether it
            came by TLS; none by default. Separated by commas.
        key_requests_per_minute, address_requests_per_minute: how many requests are answered to one key and to
            one address, as many at once as well; 0: without limit.
        address_failures_per_minute: how many wrong keys of one address are answered and recorded; 0: all.
        key_requests_at_once: how many requests of one key are worked on at once, besides those that need a
            network, a clip, a journey, an erasure, a calibration or a check of the trail; the others wait.
        key_bodies_at_once, address_bodies_at_once: how many bodies of one key, and from one address, may be
            on their way at once; of all half as many as there may be connections.
        min_body_bytes_per_second: a body that comes more slowly, after a while, is answered 408; 0: none is.
        max_connections: how many may be open at once; fewer where the process has few file descriptors.
        header_timeout_seconds: how long the headers of a request may take to arrive.
        idle_timeout_seconds: how long a client may send nothing of a body, or read nothing of an answer.
        model: what embeds probe photos; None: the model that is promoted, else the one that is shipped.
        device, detector: where it runs, and what finds persons on photos.
        runtime: what embeds: "torch", "onnx" (ONNX Runtime), or "auto": the latter on a CPU that has indexed.
        threads: of each pass through a network; 0 divides the cores among the passes.
        network_passes: how many photos pass the networks at once; the others wait, up to `max_waiting`.
        max_wait_seconds: who would wait for longer, by what the last ones took, is refused at once.
        rank_by: what orders hits: the score as standardised within its camera, or the plain cosine.
        credible: the probability from which on a hit is called credible.
        clothes_horizon_hours: after how long people may wear other clothes: the answer marks hits that are
            farther from the time of the probe. 0: never.
        max_speed: metres a second that a person can move at; a journey that needs more is flagged.
        camera_reach: metres from a camera at which it may still see somebody.
        min_free_bytes: with less left on the disk of the data folder the service is not ready.
        compare_searches: whether the photos of recent searches may be used to compare models.
        clip_cuts: how many clips are cut at once, at least two; of one key one less, and at least one.
        max_clip_seconds, max_clip_side: longest clip, and its longest side in pixels.
        clip_memory_bytes: address space of the process that cuts a clip.
        max_cache_bytes: room for cut clips.
        webhook_hosts: hosts that webhooks may lead to although they are no public ones. Separated by commas.
        metrics_token: what Prometheus sends to read /metrics; None: there are none.
        cors_origins: web origins that may call the API from a browser; none by default. Separated by commas.
    """

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_", frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: int = Field(default=8000, ge=0, le=65535)
    media_dir: Path | None = None
    max_image_bytes: int = Field(default=20 * MIB, ge=1)
    max_pixels: int = Field(default=50_000_000, ge=1)
    max_upload_bytes: int = Field(default=32 * 1024 * MIB, ge=1)
    max_key_upload_bytes: int = Field(default=1024 * 1024 * MIB, ge=1)
    max_key_uploads: int = Field(default=1000, ge=1)
    max_key_probes: int = Field(default=10_000, ge=1)
    probe_retention_days: float | None = Field(default=None, gt=0)
    upload_ttl_hours: float = Field(default=24.0, gt=0)
    first_key_file: Path | None = None
    allow_anonymous: bool = False
    session_idle_minutes: float = Field(default=60.0, gt=0, le=60 * 24 * 365, allow_inf_nan=False)
    session_hours: float = Field(default=12.0, gt=0, le=24 * 365, allow_inf_nan=False)
    oidc_issuer: str | None = None
    oidc_audience: str | None = None
    oidc_roles_claim: str = Field(default="roles", min_length=1)
    oidc_roles: dict[str, Role] = Field(default={})
    oidc_leeway_seconds: float = Field(default=30.0, ge=0, le=600)
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = ()
    key_requests_per_minute: int = Field(default=6000, ge=0, le=10**9)
    address_requests_per_minute: int = Field(default=12_000, ge=0, le=10**9)
    address_failures_per_minute: int = Field(default=30, ge=0, le=10**9)
    key_requests_at_once: int = Field(default=4, ge=1)
    key_bodies_at_once: int = Field(default=16, ge=1)
    address_bodies_at_once: int = Field(default=64, ge=1)
    min_body_bytes_per_second: int = Field(default=1024, ge=0)
    max_connections: int = Field(default=512, ge=1)
    header_timeout_seconds: float = Field(default=15.0, gt=0)
    idle_timeout_seconds: float = Field(default=60.0, gt=0)
    model: str | None = None
    device: str = "auto"
    runtime: Literal["auto", "torch", "onnx"] = "auto"
    detector: str = "nanodet"
    threads: int = Field(default=0, ge=0)
    network_passes: int = Field(default=2, ge=1)
    min_free_bytes: int = Field(default=64 * MIB, ge=0)
    clip_cuts: int = Field(default=2, ge=1)
    compare_searches: bool = False
    max_waiting: int = Field(default=64, ge=0)
    max_wait_seconds: float = Field(default=60.0, gt=0)
    rank_by: RankBy = RankBy.STANDARD_SCORE
    credible: float = Field(default=0.5, gt=0, lt=1)
    clothes_horizon_hours: float = Field(default=24.0, ge=0, allow_inf_nan=False)
    max_speed: float = Field(default=10.0, gt=0, allow_inf_nan=False)
    camera_reach: float = Field(default=25.0, ge=0, allow_inf_nan=False)
    max_clip_seconds: float = Field(default=60.0, gt=0)
    max_clip_side: int = Field(default=1280, ge=64)
    clip_memory_bytes: int = Field(default=6 * 1024 * MIB, ge=MIB)
    max_cache_bytes: int = Field(default=2 * 1024 * MIB, ge=0)
    webhook_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    metrics_token: SecretStr | None = Field(default=None, min_length=32)
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("cors_origins", "trusted_proxies", "webhook_hosts", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(origin.strip() for origin in value.split(",") if origin.strip())
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            ipaddress.ip_network(name)  # a host's name would silently be taken for nobody's
        return value

    @property
    def session_idle(self) -> timedelta:
        """How long a session of the page may be unused."""
        return timedelta(minutes=self.session_idle_minutes)

    def require_safe(self) -> None:
        """Raise UnsafeSettings when anonymous callers could come from outside."""
        if self.allow_anonymous and not is_loopback(self.host):
            raise UnsafeSettings(
                f"anonymous access is for this machine only, but the server would listen on {self.host}: "
                "bind it to 127.0.0.1 or use API keys"
            )


def is_loopback(host: str) -> bool:
    """Return whether a host name or address can only mean this machine."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback
