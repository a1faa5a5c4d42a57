"""Paths of the files that belong to a video, and to a model."""

from pathlib import Path


def thumbnails_directory(data_dir: Path, video_id: str) -> Path:
    """Name the directory of a video's thumbnails, `<number>.jpg` each."""
    return data_dir / "thumbnails" / video_id


PENDING = ".new"


def pending_thumbnails(data_dir: Path, video_id: str) -> Path:
    """Name the directory of thumbnails that are about to replace a video's."""
    return thumbnails_directory(data_dir, video_id + PENDING)


def cache_directory(data_dir: Path, video_id: str) -> Path:
    """Name the directory for clips cut from a video; it goes when the video is erased."""
    return data_dir / "cache" / video_id


def exported_directory(data_dir: Path) -> Path:
    """Name the directory for models as other runtimes want them, a folder each by id; it can be made anew."""
    return data_dir / "exported"


def model_directory(data_dir: Path, model_id: str) -> Path:
    """Name the directory of a model's weights and card."""
    return data_dir / "models" / model_id
