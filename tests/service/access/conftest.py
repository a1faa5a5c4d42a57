"""An issuer of tokens for the tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.service.access.issuing import Issuer, running_issuer


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with running_issuer() as running:
        yield running
