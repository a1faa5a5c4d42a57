"""`sightline migrate`: bring the database to the schema of this version."""

from sightline.console import DataDir, print_line, read_settings


def migrate(data_dir: DataDir = None) -> None:
    """Bring the database to this version's schema."""
    from gallery import Gallery, GallerySettings

    settings = read_settings(GallerySettings, data_dir=data_dir)
    with Gallery.open(settings, create=True) as gallery:
        where = gallery.database_name
    print_line(f"The database {where} is at the schema of this version.")
