"""FFmpeg formats that may be opened as recordings, for indexing and for cutting clips."""

from collections.abc import Iterable
from typing import Final

# What FFmpeg opens although it is no recording: text drawn as video, raw bytes taken for pixels, devices, and
# lists that make it read other files or the network in the name of this one.
_DRAWN: Final = {"adf", "bin", "idf", "tty", "xbin", "ffmetadata", "vobsub"}
_RAW: Final = {"rawvideo", "bitpacked", "v210", "v210x", "alias_pix", "image2", "image2pipe"}
_DEVICES: Final = {"alsa", "fbdev", "kmsgrab", "lavfi", "oss", "x11grab", "video4linux2,v4l2"}
_LISTS: Final = {"concat", "dash", "hls", "imf", "rtp", "rtsp", "sap", "sdp", "webm_dash_manifest"}
_PICTURES: Final = "_pipe"  # ends the names of single pictures' formats

# Containers and raw streams of moving pictures that FFmpeg reads, those of recorders among them. A file that
# is named itself may be called anything.
# fmt: off
RECORDING_SUFFIXES: Final = frozenset({
    ".264", ".265", ".266", ".3g2", ".3gp", ".amv", ".asf", ".avc", ".avi", ".avs2", ".dav", ".dif", ".divx",
    ".dv", ".f4v", ".flv", ".gxf", ".h261", ".h263", ".h264", ".h265", ".h266", ".hevc", ".ifv", ".ivf",
    ".m2t", ".m2ts", ".m2v", ".m4v", ".mjpeg", ".mjpg", ".mk3d", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg",
    ".mpg", ".mpv", ".mts", ".mxf", ".mxg", ".nsv", ".nut", ".obu", ".ogm", ".ogv", ".qt", ".rm", ".rmvb",
    ".ts", ".ty", ".vc1", ".vob", ".webm", ".wmv", ".wtv", ".y4m",
})
# fmt: on


def recording_formats(available: Iterable[str]) -> str:
    """Those of FFmpeg's formats that hold recordings, as its option `format_whitelist` takes them."""
    wanted = set(available) - _DRAWN - _RAW - _DEVICES - _LISTS
    return ",".join(sorted(name for name in wanted if not name.endswith(_PICTURES)))
