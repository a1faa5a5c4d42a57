"""Settings of `sightline worker --ray`, read from SIGHTLINE_RAY_* variables."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class ClusterSettings(BaseSettings):
    """How a cluster's nodes are used; none of it changes what is found."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_RAY_", frozen=True)

    cpus: int = Field(default=2, ge=1)  # of an actor; a node has as many actors as fit, one more a GPU
    shares: int = Field(default=4, ge=1)  # actors that look at one long recording, at most
    split_seconds: float = Field(default=600.0, gt=0)  # a recording gets one actor for each such length
    tries: int = Field(default=3, ge=1)  # nodes that may be lost over one recording before it fails
    refresh_seconds: float = Field(default=2.0, gt=0)  # how often the cluster's nodes are looked through
