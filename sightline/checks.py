"""The checks of `sightline doctor`: one function for each part of the system, each returning a Finding."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from gallery import GalleryError, GallerySettings, exported_directory
from models.errors import ModelError
from models.names import DEFAULT
from service.settings import ServiceSettings

if TYPE_CHECKING:
    from models.embedder import Embedder

State = Literal["ok", "warning", "failed"]
_LEAST_FREE_BYTES = 5 * 1024**3


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; `state` "failed" means that Sightline cannot work."""

    part: str
    state: State
    detail: str


def examine(settings: ServiceSettings, *, deep: bool) -> Iterator[Finding]:
    """Look at every part in turn (`deep`: at the whole record too); an expected error fails its part only."""
    parts: list[tuple[str, Callable[[ServiceSettings], Finding]]] = [
        ("device", device),
        ("torchvision", torchvision),
        ("model", model),
        ("detector", detector),
        ("onnxruntime", onnx_runtime),
        ("faiss", faiss),
        ("ffmpeg", ffmpeg),
        ("database", database),
        ("milvus", milvus),
        ("clusters", clusters),
        ("objects", objects),
        ("models", models),
        ("disk", disk),
    ]
    for part, look in parts:
        try:
            yield look(settings)
        except (GalleryError, ModelError, OSError, ImportError) as error:
            yield Finding(part, "failed", " ".join(str(error).split()))
    if deep:
        yield from record(settings)


def device(settings: ServiceSettings) -> Finding:
    """Report the device that the networks run on."""
    import torch

    if settings.device == "cpu" or not torch.cuda.is_available():
        name = f"CPU, {torch.get_num_threads()} threads"
        built_for = f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU"
    else:
        index = torch.device(settings.device if settings.device != "auto" else "cuda").index or 0
        name, built_for = f"GPU {torch.cuda.get_device_name(index)}", f"CUDA {torch.version.cuda}"
    return Finding("device", "ok", f"{name}; torch {torch.__version__} built for {built_for}")


def torchvision(_settings: ServiceSettings) -> Finding:
    """Check that torchvision imports, with its own operators or the stand-in for a CPU torch."""
    from models import torchvision_compat

    torchvision_compat.ensure()
    import torchvision as library

    remedy = "remedy for missing operators in force" if torchvision_compat.in_force() else "own operators"
    return Finding("torchvision", "ok", f"{library.__version__}, {remedy}")


def model(settings: ServiceSettings) -> Finding:
    """Check that the model loads and embeds."""
    from models import zoo
    from models.embedder import Embedder

    embedder = Embedder(
        zoo.load(_model_in_use(settings)),
        device=settings.device,
        threads=settings.threads or None,
        runtime=settings.runtime,
        exported=exported_directory(settings.data_dir),
    )
    embedder.embed_images([np.zeros((128, 64, 3), np.uint8)])
    detail = (
        f"{embedder.name} ({embedder.id[:12]}), {embedder.dimension} numbers a person, on {embedder.device}"
        f" by {_runtime(settings, embedder)}"
    )
    if embedder.warning:
        return Finding("model", "warning", f"{detail}. {embedder.warning}")
    return Finding("model", "ok", detail)


def _runtime(settings: ServiceSettings, embedder: "Embedder") -> str:
    """What embeds, and why it is torch on a CPU where something faster could."""
    from models.exported.exporting import missing_packages

    if embedder.runtime != "torch":
        return {"onnx": "ONNX Runtime", "openvino": "OpenVINO"}[embedder.runtime]
    if embedder.device != "cpu" or settings.runtime == "torch":
        return "torch"
    if missing := missing_packages():
        return f"torch (ONNX Runtime is faster, and needs: pip install {' '.join(missing)})"
    return "torch (the first `sightline index` prepares ONNX Runtime, which is faster)"


def _model_in_use(settings: ServiceSettings) -> str:
    """The model that searches use; where there is no gallery, or `database` has failed, without asking it."""
    from gallery import Gallery
    from service.networks import in_use

    named = settings.model or DEFAULT
    if settings.database_url is None and not (settings.data_dir / "gallery.sqlite3").exists():
        return named
    try:
        with Gallery.open(settings) as gallery:
            return in_use(settings, gallery).model or DEFAULT
    except GalleryError:
        return named


def detector(settings: ServiceSettings) -> Finding:
    """Check that the person detector loads and runs."""
    from models.detector import create_detector

    found = create_detector(settings.detector, device=settings.device, threads=settings.threads or None)
    found.detect([np.zeros((240, 320, 3), np.uint8)])
    return Finding("detector", "ok", f"{found.name}, on {found.device}")


def onnx_runtime(settings: ServiceSettings) -> Finding:
    """Report the build of ONNX Runtime, which detects; one without CUDA leaves a GPU idle."""
    import onnxruntime as library
    import torch

    from models.onnx_runtime import CUDA

    has_cuda = CUDA in library.get_available_providers()
    detail = f"{library.__version__}, {'CUDA' if has_cuda else 'CPU'} build"
    if settings.device != "cpu" and torch.cuda.is_available() and not has_cuda:
        remedy = "pip uninstall onnxruntime, then pip install the extra [gpu]"
        return Finding("onnxruntime", "warning", f"{detail}: persons are detected on the CPU; {remedy}")
    return Finding("onnxruntime", "ok", detail)


def faiss(_settings: ServiceSettings) -> Finding:
    """Report the build of FAISS and the CPU instructions it uses."""
    import faiss as library

    kind = "GPU" if hasattr(library, "StandardGpuResources") else "CPU"
    simd = library.SIMDConfig.get_level_name()
    return Finding("faiss", "ok", f"{library.__version__}, {kind} build, {simd} instructions")


def ffmpeg(_settings: ServiceSettings) -> Finding:
    """Report the version of FFmpeg, and check that it can write clips that browsers play."""
    import av

    detail = f"FFmpeg {av.ffmpeg_version_info} in PyAV {av.__version__}"
    if "libx264" not in av.codecs_available:
        return Finding(
            "ffmpeg", "failed", f"{detail} has no libx264: clips cannot be cut; install PyAV from PyPI"
        )
    return Finding("ffmpeg", "ok", detail)


def database(settings: GallerySettings) -> Finding:
    """Check that the database answers, has this version's schema and, if SQLite, is undamaged."""
    from gallery import Gallery

    file = settings.data_dir / "gallery.sqlite3"
    if settings.database_url is None and not file.exists():
        return Finding(
            "database", "warning", f"{file} does not exist yet: the first command that needs it makes it"
        )
    with Gallery.open(settings) as gallery:
        name, problems = gallery.database_name, gallery.check_database()
        if problems:
            return Finding("database", "failed", f"{name}: {'; '.join(problems)}")
        cameras = gallery.catalogue.cameras()
    return Finding("database", "ok", f"{name}, schema is current, {len(cameras)} cameras")


def milvus(settings: GallerySettings) -> Finding:
    """Check that Milvus answers, where vectors are in it."""
    from gallery import Milvus

    if settings.milvus_uri is None:
        return Finding("milvus", "ok", "not used: vectors are in files, which FAISS searches")
    found = Milvus.named(settings)
    try:
        version = found.version()
    finally:
        found.close()
    use = "new vectors go there" if settings.vectors == "milvus" else "new vectors go into files"
    detail = f"{version} at {settings.milvus_uri}; {use}"
    if settings.milvus_uri.endswith(".db"):
        return Finding("milvus", "warning", f"{detail}. milvus-lite serves one process: for trials only")
    return Finding("milvus", "ok", detail)


def clusters(settings: GallerySettings) -> Finding:
    """Say how much is searched approximately, as the gallery is large."""
    from gallery import Gallery

    if settings.database_url is None and not (settings.data_dir / "gallery.sqlite3").exists():
        return Finding("clusters", "ok", "no gallery yet")
    with Gallery.open(settings) as gallery:
        found = gallery.clustered()
    if found.damaged:
        detail = f"{found.damaged} segments have damaged ones and are searched exactly: sightline repair"
        return Finding("clusters", "warning", detail)
    if not found.segments:
        unsuited = f"; those of {found.unsuited} segments find too little" if found.unsuited else ""
        return Finding("clusters", "ok", f"none: every search is exact{unsuited}")
    detail = f"{found.segments} segments with {found.tracklets} tracklets, measured recall {found.recall:.4f}"
    return Finding("clusters", "ok", f"{detail} and more; {found.unsuited} unsuited and searched exactly")


def objects(settings: GallerySettings) -> Finding:
    """Check that the object store answers, where recordings may be in one."""
    from gallery import Places

    if not settings.object_roots:
        return Finding("objects", "ok", "not used: recordings are files (SIGHTLINE_OBJECT_ROOTS names none)")
    places = Places(settings, settings.data_dir)
    try:
        for root in settings.object_roots:
            try:
                places.objects.check(root)
            except GalleryError as error:
                return Finding("objects", "failed", f"{root}: {error}")
    finally:
        places.close()
    roots = ", ".join(settings.object_roots)
    return Finding("objects", "ok", f"{places.objects.where} has {roots}")


def record(settings: GallerySettings) -> Iterator[Finding]:
    """Look at everything that is recorded: a finding for what is wrong in each part, or how much is right."""
    from gallery import Gallery, Part

    try:
        with Gallery.open(settings) as gallery:
            report = gallery.verify()
    except (GalleryError, OSError) as error:
        yield Finding("record", "failed", " ".join(str(error).split()))
        return
    for part in Part:
        faults = [str(fault) for fault in report.faults if fault.part == part]
        if faults:
            state: State = "warning" if part == Part.LEFTOVERS else "failed"
            yield Finding(part, state, "; ".join(faults))
    size = f"{report.vector_bytes / 1024**2:.1f} MiB"
    detail = (
        f"{report.videos} videos, {report.segments} segments, {report.vectors} vectors in {size}, "
        f"{report.rows} rows, {report.events} audit events"
    )
    notes = {
        f"the rows of {report.unsealed} videos of an earlier version have no checksum": report.unsealed,
        f"{report.lost} thumbnails are marked as lost": report.lost,
        f"{report.away} recordings are not where they were indexed": report.away,
    }
    said = "; ".join(
        [f"{detail}, intact" if not report.faults else detail, *(n for n, c in notes.items() if c)]
    )
    yield Finding("record", "warning" if report.lost or report.away else "ok", said)


def models(settings: GallerySettings) -> Finding:
    """Name the models that contain what they learnt from recordings that are erased."""
    from gallery import Gallery

    if settings.database_url is None and not (settings.data_dir / "gallery.sqlite3").exists():
        return Finding("models", "ok", "no gallery yet")
    with Gallery.open(settings) as gallery:
        known = gallery.models.all()
    marked = [
        f"{one.name} learnt from {one.erased} recordings that are erased" for one in known if one.erased
    ]
    if marked:
        return Finding("models", "warning", f"{'; '.join(marked)}: adapt again, and remove it")
    return Finding("models", "ok", f"{len(known)} in the gallery")


def disk(settings: ServiceSettings) -> Finding:
    """Check that there is room on the gallery's disk."""
    place: Path = settings.data_dir.absolute()
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    detail = f"{free / 1024**3:.1f} GiB free for {settings.data_dir.absolute()}"
    return Finding("disk", "warning" if free < _LEAST_FREE_BYTES else "ok", detail)
