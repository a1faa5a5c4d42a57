"""Cameras and sites that a request names and that are not there for it.

They are told in the words for what does not exist; the cause of the error says which are out of sight, for
the audit trail (`service.refusals`).
"""

from collections.abc import Callable

from gallery import Gallery, NotFound
from service.errors import InvalidRequest


def no_camera(gallery: Gallery, name: str, pointer: str, then: str = "") -> InvalidRequest:
    """The error to raise for a camera that a request names at `pointer`, where the gallery shows none."""
    said = InvalidRequest(f"There is no camera {name!r}{then}.", pointer)
    return _with_cause(said, gallery.catalogue.camera_named, name)


def no_site(gallery: Gallery, name: str, pointer: str) -> InvalidRequest:
    """The error to raise for a site that a request names at `pointer`, where the gallery shows none."""
    said = InvalidRequest(f"There is no site {name!r}.", pointer)
    return _with_cause(said, gallery.catalogue.require_site, name)


def _with_cause(said: InvalidRequest, look: Callable[[str], object], name: str) -> InvalidRequest:
    try:
        look(name)
    except NotFound as error:
        said.__cause__ = error
    return said
