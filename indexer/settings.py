"""Settings of the indexing pipeline, read from SIGHTLINE_INDEX_* variables.

What changes the result (sampling, detector, tracker, filters) stands apart from what only changes how fast
it comes (queues, threads). Batch sizes belong to the first kind: a network rounds differently in another
batch.
"""

import os
from pathlib import Path
from typing import Final, Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MOST_WORKERS: Final = 8  # by default: each holds a batch of frames in memory
CONSECUTIVE_SECONDS: Final = 2.0  # then all of the picture is looked at again
CONSECUTIVE_BYTES: Final = 48 << 20  # of frames that are looked at as one piece: large ones are fewer


class IndexSettings(BaseSettings):
    """Settings of one indexing run; times in seconds, sizes in pixels of the upright frame."""

    model_config = SettingsConfigDict(env_prefix="SIGHTLINE_INDEX_", frozen=True)

    # Sampling
    detect_fps: float = Field(default=10.0, gt=0)  # frames a second that the detector sees
    embed_fps: float = Field(default=5.0, gt=0)  # crops a second and person that the network sees
    clip_frames: int = Field(default=32, ge=1, le=32)  # sampled frames a clip, the papers' test length

    # Detector
    detector: str = "nanodet"
    detector_input: int = Field(default=416, ge=32)  # long side; a camera may override it
    detector_threshold: float = Field(default=0.45, gt=0, lt=1)
    detect_changes: bool = True  # look again only where the picture has changed, where the detector can
    detect_batch: int | None = Field(default=None, ge=1)  # frames; None: 1 on a CPU, 8 on a GPU

    # Tracks
    track_score: float = Field(default=0.6, ge=0, le=1)  # starts a track; weaker detections only continue one
    max_track_seconds: float = Field(default=120.0, gt=1)  # a longer track goes on as a new tracklet
    max_crop_bytes: int = Field(default=1 << 28, ge=1 << 20)  # of all people in view; then the largest goes

    # Refinement of tracks that have ended
    still_seconds: float = Field(default=10.0, ge=0)  # a thing lasts so long
    still_motion: float = Field(default=0.1, ge=0)  # and stays within this part of its height; 0: off
    trim_score: float = Field(default=0.0, ge=0, le=1)  # ends below this part of the median score go; 0: off
    split_cosine: float = Field(default=0.8, ge=0, le=1)  # below it crops are of two people; 0: off
    split_samples: int = Field(default=5, ge=1)  # sampled crops compared on either side

    # Filters: what is dropped is counted by reason
    min_seconds: float = Field(default=0.5, ge=0)
    min_seen_seconds: float = Field(default=0.45, ge=0)  # in sight, gaps not counted: 5 boxes at 10 a second
    min_height: float = Field(default=32.0, ge=0)
    min_sharpness: float = Field(default=0.035, ge=0)  # models.quality.sharpness; 0 keeps everything

    # Network
    model: str | None = None  # name, id or path; None: the promoted model, else the one that is shipped
    device: str = "auto"
    runtime: Literal["auto", "torch", "onnx"] = "auto"  # auto: ONNX Runtime on a CPU where it can be
    embed_batch: int | None = Field(default=None, ge=1)  # crops of any tracklets; None: 8 or 128

    # Adaptation
    simulated: Path | None = None  # folder of simulated tracklets, so that a model forgets nothing

    # Flow
    queue_frames: int = Field(default=16, ge=1)  # decoded frames that may wait for the detector
    queue_bytes: int = Field(default=1 << 27, ge=1 << 20)  # of those frames: large ones are fewer
    queue_tracks: int = Field(default=8, ge=1)  # ended tracks that may wait for the network
    workers: int | None = Field(default=None, ge=1)  # batches side by side; None: one a core, 2 on a GPU

    # Decoder's process
    # "cuda:N": by the GPU's decoder where it can, else on the CPU, which the recording's report says
    decode_device: str = Field(default="cpu", pattern=r"^(cpu|cuda:\d{1,2})$")
    decode_memory_mib: int = Field(default=4096, ge=1024)  # address space; beside a GPU's driver, data
    decode_stall_seconds: float = Field(
        default=120.0, gt=0
    )  # a decoder that got nowhere for so long is ended

    # Workers
    lease_seconds: float = Field(default=60.0, gt=0)  # a worker that is silent for so long has died
    renew_seconds: float = Field(
        default=2.0, gt=0
    )  # how often a worker reports, and looks for a cancellation
    nice: int = Field(default=10, ge=0, le=19)  # searches on the same machine have the processor first
    poll_seconds: float = Field(default=1.0, gt=0)  # how often an idle worker looks for work
    outage_seconds: float = Field(default=600.0, ge=0)  # for a lost database or a full disk

    def detect_batch_on(self, device: str) -> int:
        """Frames that the detector sees together: on a CPU one by one shares the cores best."""
        return self.detect_batch or (1 if device == "cpu" else 8)

    def consecutive_frames(self, frame_bytes: int) -> int:
        """Frames of this size that are looked at in their order as one piece; other pieces run beside it."""
        in_time = round(self.detect_fps * CONSECUTIVE_SECONDS)
        return max(1, min(in_time, CONSECUTIVE_BYTES // frame_bytes))

    def run_on(self, device: str, changing: bool) -> tuple[int, int]:
        """The most frames, and the most bytes of them, that a detector is given together."""
        if changing:
            return max(1, round(self.detect_fps * CONSECUTIVE_SECONDS)), CONSECUTIVE_BYTES
        return self.detect_batch_on(device), 1 << 62

    def embed_batch_on(self, device: str) -> int:
        """Crops that the network sees together, unless one clip has more."""
        return self.embed_batch or (8 if device == "cpu" else 128)

    def workers_on(self, device: str) -> int:
        """Batches that are computed side by side; two keep a GPU busy while the next is prepared."""
        cores = min(MOST_WORKERS, len(os.sched_getaffinity(0)))
        return self.workers or (cores if device == "cpu" else 2)
