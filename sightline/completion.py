"""Shell completion of names that the gallery holds."""

from collections.abc import Iterator

from indexer.names import shown


def camera_names(incomplete: str) -> list[str]:
    """Cameras whose names begin like this."""
    return _beginning(incomplete, (name for name, _ in _cameras()))


def site_names(incomplete: str) -> list[str]:
    """Sites of cameras whose names begin like this."""
    return _beginning(incomplete, (site for _, site in _cameras() if site))


def _beginning(incomplete: str, names: Iterator[str]) -> list[str]:
    return sorted({name for name in names if name.startswith(incomplete) and shown(name) == name})


def _cameras() -> Iterator[tuple[str, str | None]]:
    """Names and sites of the cameras; none where there is no gallery that can be read."""
    from pydantic import ValidationError

    from gallery import Gallery, GalleryError, GallerySettings

    try:
        with Gallery.open(GallerySettings()) as gallery:
            cameras = gallery.catalogue.cameras()
    except (GalleryError, ValidationError, OSError):
        return  # a shell that completes is no place for errors
    yield from ((camera.name, camera.site) for camera in cameras)
