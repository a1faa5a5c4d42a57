"""Cameras and sites that a request names and that are not there for it.

They are told in the words for what does not exist; the cause of the error says which are out of sight, for
the audit trail (`service.refusals`).
"""

from gallery import Gallery, NotFound
from service.errors import InvalidRequest


def no_camera(gallery: Gallery, name: str, pointer: str, then: str = "") -> InvalidRequest:
    """The error to raise for a camera that a request names at `pointer`, where the gallery shows none."""
    said = InvalidRequest(f"There is no camera {name!r}{then}.", pointer)
    try:
        gallery.catalogue.camera_named(name)
    except NotFound as error:
        said.__cause__ = error
    return said


def no_site(gallery: Gallery, name: str, pointer: str) -> InvalidRequest:
    """The error to raise for a site that a request names at `pointer`, where the gallery shows none."""
    said = InvalidRequest(f"There is no site {name!r}.", pointer)
    try:
        gallery.catalogue.require_site(name)
    except NotFound as error:
        said.__cause__ = error
    return said
