"""The SIGHTLINE_ variables of the environment, and misspelt ones."""

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from pydantic_settings import BaseSettings

_PREFIX: Final = "SIGHTLINE_"
# Read by an option, and by docker-compose.yml, which hands its whole .env to the containers.
_OTHERS: Final = frozenset(
    {
        "SIGHTLINE_API_KEY",
        "SIGHTLINE_CASE_NUMBER",
        "SIGHTLINE_FIRST_KEY",
        "SIGHTLINE_MEDIA",
        "SIGHTLINE_PUBLISH",
        "SIGHTLINE_DOMAIN",
        "SIGHTLINE_PURPOSE",
    }
)


def kinds() -> tuple[type[BaseSettings], ...]:
    """All classes of settings that read variables."""
    from gallery import GallerySettings
    from indexer.cluster.settings import ClusterSettings
    from indexer.settings import IndexSettings
    from service.settings import ServiceSettings
    from sightline.logs import LogSettings

    return GallerySettings, ServiceSettings, IndexSettings, ClusterSettings, LogSettings


def known() -> frozenset[str]:
    """The names of all variables that mean something."""
    return _OTHERS | {_variable(kind, field) for kind in kinds() for field in kind.model_fields}


def variable_of(settings: str, field: str) -> str:
    """The variable that a field of a class of settings is read from."""
    return next(
        (_variable(kind, field) for kind in kinds() if kind.__name__ == settings), _PREFIX + field.upper()
    )


def _variable(kind: type[BaseSettings], field: str) -> str:
    return f"{kind.model_config.get('env_prefix', '')}{field}".upper()


def misspelt(environment: Iterable[str]) -> Iterator[str]:
    """Say of each variable that looks like a setting and is none what it may have been meant to be."""
    wrong = sorted(name for name in environment if name.upper().startswith(_PREFIX))
    names = known() if wrong else frozenset()
    for name in wrong:
        if name.upper() in names:
            continue
        like = difflib.get_close_matches(name.upper(), names, n=1, cutoff=0.8)
        yield f"{name} is no setting and is ignored" + (f"; did you mean {like[0]}?" if like else "")
