"""URLs of databases: several hosts, and what is shown of them."""

import pytest

from gallery import GallerySettings
from gallery.database_urls import database_url, shown
from gallery.sql.database import create_engine_at


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://me:pw@a,b/gallery", "a,b", ","),
        ("postgresql://me:pw@a:5432,b:5433/gallery", "a,b", "5432,5433"),
        ("postgresql://me:pw@a,b:5433/gallery", "a,b", ",5433"),
        ("postgresql://me:pw@[::1]:5432,[fe80::1]/gallery", "::1,fe80::1", "5432,"),
        ("postgresql://me:pw@/gallery?host=a,b&port=5432,5433", "a,b", "5432,5433"),
        ("postgresql://me:pw@/gallery?host=a:5432&host=b:5433", "a,b", "5432,5433"),
    ],
)
def test_of_several_hosts_one_that_takes_writes_is_wanted(url: str, host: str, port: str) -> None:
    engine = create_engine_at(url)
    _, given = engine.dialect.create_connect_args(engine.url)
    assert (given["host"], given["port"], given["dbname"]) == (host, port, "gallery")
    assert (given["user"], given["password"], given["target_session_attrs"]) == ("me", "pw", "read-write")


def test_what_the_url_says_of_sessions_and_waiting_stays() -> None:
    url = database_url("postgresql://a,b/gallery?target_session_attrs=primary&connect_timeout=2")
    assert url.query["target_session_attrs"] == "primary"
    assert url.query["connect_timeout"] == "2"
    assert "target_session_attrs" not in database_url("postgresql://a/gallery").query


def test_passwords_are_not_shown() -> None:
    url = database_url("postgresql://me:secret@a:1,b:2/gallery?sslpassword=secret")
    assert shown(url) == (
        "postgresql://me:***@/gallery?host=a,b&port=1,2&sslpassword=***&target_session_attrs=read-write"
    )
    assert "secret" not in shown(database_url("postgresql://me@a/gallery?password=secret"))
    assert shown(database_url("sqlite:////data/gallery.sqlite3")) == "sqlite:////data/gallery.sqlite3"


@pytest.mark.parametrize("url", ["postgresql://me:secret@a:x/y", "postgresql://me:secret@a:1:2,b/y"])
def test_what_is_no_url_is_said_without_repeating_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"no URL of a database|hosts must be") as refused:
        database_url(url)
    assert "secret" not in str(refused.value)
    with pytest.raises(ValueError, match="database_url"):
        GallerySettings(database_url=url)
