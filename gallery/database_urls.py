"""URLs of databases, PostgreSQL's with several hosts among them."""

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

if TYPE_CHECKING:  # settings are read where SQLAlchemy is not needed, such as for --help
    from sqlalchemy.engine import URL

SQLITE_PREFIX: Final = "sqlite:///"
POSTGRESQL_PREFIX: Final = "postgresql://"
_SECRETS: Final = ("password", "sslpassword")  # where libpq takes them from parameters
_HOST: Final = re.compile(r"(?P<host>\[[^\]]*\]|[^:\[\]]*)(:(?P<port>[0-9]*))?")


def database_url(value: str) -> "URL":
    """Read the URL of an SQLite file or of a PostgreSQL server.

    A server may have several hosts, as libpq has it: HOST:PORT,HOST:PORT instead of one. Of those the one
    that takes writes is wanted, unless the URL says otherwise.

    Raises:
        ValueError: it is none; the message does not repeat it, as it may hold a password.
    """
    if value.startswith(SQLITE_PREFIX) and ":memory:" not in value:
        return _made(value)
    if not value.startswith(POSTGRESQL_PREFIX):
        raise ValueError(f"must begin with {SQLITE_PREFIX} and name a file, or with {POSTGRESQL_PREFIX}")
    authority, rest = re.split(r"(?=[/?])|$", value.removeprefix(POSTGRESQL_PREFIX), maxsplit=1)
    user, at, hosts = authority.rpartition("@")
    if "," not in hosts:
        url = _made(value)
    else:
        found = [_HOST.fullmatch(one) for one in hosts.split(",")]
        if not all(found):
            raise ValueError("hosts must be HOST or HOST:PORT, separated by commas")
        named = [(one["host"].strip("[]"), one["port"] or "") for one in found if one]
        url = _made(f"{POSTGRESQL_PREFIX}{user}{at}{rest}")
        url = url.update_query_dict({"host": ",".join(host for host, _ in named)})
        if any(port for _, port in named):
            url = url.update_query_dict({"port": ",".join(port for _, port in named)})
    if _has_several_hosts(url) and "target_session_attrs" not in url.query:
        url = url.update_query_dict({"target_session_attrs": "read-write"})
    return url


def shown(url: "URL") -> str:
    """A URL to be read by people, without its passwords."""
    hidden = {name: "***" for name in _SECRETS if name in url.query}
    return unquote(url.update_query_dict(hidden).render_as_string(hide_password=True))


def _has_several_hosts(url: "URL") -> bool:
    hosts = url.query.get("host", ())
    return "," in hosts if isinstance(hosts, str) else len(hosts) > 1


def _made(value: str) -> "URL":
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        return make_url(value)
    except (ArgumentError, ValueError):
        raise ValueError("is no URL of a database") from None
