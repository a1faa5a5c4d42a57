"""Without a renderer tests are skipped on a laptop and fail in continuous integration."""

import pytest

from simulation.errors import NoRenderer
from tests.simulation.drawing import made_or_skipped


def no_renderer() -> str:
    raise NoRenderer("no OpenGL 3.3 context through EGL")


def test_a_machine_that_draws_gets_what_was_made() -> None:
    assert made_or_skipped(lambda: "renderer", {"CI": "true"}) == "renderer"


@pytest.mark.parametrize("environment", [{}, {"CI": "false"}, {"CI": ""}])
def test_a_laptop_without_egl_skips_and_says_why(environment: dict[str, str]) -> None:
    with pytest.raises(pytest.skip.Exception, match="EGL"):
        made_or_skipped(no_renderer, environment)


def test_continuous_integration_without_egl_fails() -> None:
    with pytest.raises(pytest.fail.Exception, match="EGL"):
        made_or_skipped(no_renderer, {"CI": "true"})
