"""`sightline migrate`: bring the database to the schema of this version."""

from sightline.console import DataDir, output, read_settings


def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema."""
    from gallery.gallery import Gallery
    from gallery.settings import GallerySettings

    settings = read_settings(GallerySettings, data_dir=data_dir)
    with Gallery.open(settings, create=True) as gallery:
        where = gallery.engine.url.render_as_string(hide_password=True)
    output.print(f"The database {where} is at the schema of this version.", soft_wrap=True)
