"""Stylised surveillance scenes, drawn: figures walk before plain backgrounds. Nobody real is on them."""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Pixels = NDArray[np.uint8]
Box = tuple[float, float, float, float]  # x, y, w, h in pixels
Colour = tuple[int, int, int]

SMOOTH = 2  # drawn so many times larger, then scaled down


@dataclass(frozen=True)
class Figure:
    """What somebody wears; `bag` is a colour or None."""

    shirt: Colour
    trousers: Colour
    hair: Colour = (48, 36, 30)
    skin: Colour = (214, 168, 132)
    bag: Colour | None = None


RED_COAT = Figure((190, 38, 44), (44, 52, 74), bag=(230, 196, 90))
BLUE_JACKET = Figure((38, 84, 168), (92, 92, 98), skin=(150, 104, 76))
GREEN_HOODIE = Figure((46, 122, 72), (30, 32, 38), hair=(120, 84, 46))
YELLOW_VEST = Figure((232, 190, 30), (58, 72, 108), hair=(30, 26, 24))
WHITE_SHIRT = Figure((222, 224, 228), (96, 66, 48), hair=(150, 150, 150), bag=(60, 60, 64))
PURPLE_DRESS = Figure((118, 62, 142), (118, 62, 142), skin=(120, 84, 62), hair=(20, 18, 18))


@dataclass(frozen=True)
class Walk:
    """One figure's way: feet at `start` and `stop` as shares of the picture, over seconds `begin`..`end`.

    `height` is the figure's at the bottom, as a share of the picture's; higher up, farther away, it is less.
    """

    figure: Figure
    start: tuple[float, float]
    stop: tuple[float, float]
    begin: float
    end: float
    height: float = 0.5

    def box(self, second: float, width: int, height: int) -> Box | None:
        """Where the figure is, or None before and after its walk."""
        if not self.begin <= second <= self.end:
            return None
        share = (second - self.begin) / (self.end - self.begin)
        x = self.start[0] + share * (self.stop[0] - self.start[0])
        y = self.start[1] + share * (self.stop[1] - self.start[1])
        tall = self.height * height * (0.55 + 0.45 * y)
        return x * width - tall * 0.19, y * height - tall, tall * 0.38, tall


def lobby(width: int, height: int) -> Image.Image:
    """A hall with tiles, a lift and a desk."""
    image = Image.new("RGB", (width, height), (196, 196, 194))
    draw = ImageDraw.Draw(image)
    floor = int(height * 0.46)
    draw.rectangle((0, floor, width, height), fill=(150, 150, 148))
    for i in range(-14, 15):
        draw.line(
            (width / 2 + i * width * 0.05, floor, width / 2 + i * width * 0.22, height),
            fill=(138, 138, 136),
            width=2,
        )
    for i in range(1, 7):
        y = floor + (height - floor) * (i / 7) ** 1.7
        draw.line((0, y, width, y), fill=(138, 138, 136), width=2)
    for x in (0.18, 0.30):
        draw.rectangle(
            (width * x, height * 0.14, width * (x + 0.10), floor),
            fill=(120, 124, 128),
            outline=(92, 94, 98),
            width=3,
        )
    draw.rectangle((width * 0.62, height * 0.30, width * 0.94, height * 0.50), fill=(112, 104, 96))
    draw.rectangle((width * 0.61, height * 0.29, width * 0.95, height * 0.33), fill=(86, 80, 74))
    return image


def street(width: int, height: int) -> Image.Image:
    """A pavement before shop fronts."""
    image = Image.new("RGB", (width, height), (168, 172, 176))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, height * 0.42, width, height), fill=(132, 132, 134))
    draw.rectangle((0, height * 0.80, width, height), fill=(92, 92, 96))
    draw.line((0, height * 0.80, width, height * 0.80), fill=(188, 188, 188), width=4)
    for i in range(5):
        x = width * (0.02 + 0.2 * i)
        draw.rectangle(
            (x, height * 0.08, x + width * 0.16, height * 0.42),
            fill=(120 + 8 * (i % 3), 124, 130 - 6 * (i % 2)),
        )
        draw.rectangle(
            (x + width * 0.015, height * 0.15, x + width * 0.145, height * 0.36), fill=(76, 84, 92)
        )
    return image


def platform(width: int, height: int) -> Image.Image:
    """A station platform with its edge and pillars."""
    image = Image.new("RGB", (width, height), (104, 108, 112))
    draw = ImageDraw.Draw(image)
    draw.polygon(
        [
            (0, height),
            (0, height * 0.36),
            (width * 0.62, height * 0.30),
            (width, height * 0.86),
            (width, height),
        ],
        fill=(158, 156, 152),
    )
    draw.line(
        (width * 0.60, height * 0.31, width * 0.97, height * 0.88),
        fill=(214, 206, 150),
        width=max(3, width // 120),
    )
    for x in (0.10, 0.34, 0.52):
        draw.rectangle((width * x, 0, width * (x + 0.035), height * 0.44), fill=(84, 88, 92))
    draw.rectangle((0, 0, width, height * 0.07), fill=(70, 72, 76))
    return image


def draw_figure(image: Image.Image, figure: Figure, box: Box, phase: float) -> None:
    """Draw a figure into its box; `phase` moves arms and legs."""
    draw = ImageDraw.Draw(image)
    x, y, w, h = box
    stride = math.sin(phase) * 0.085 * h / w

    def at(*points: tuple[float, float]) -> list[tuple[float, float]]:
        """Points as shares of the box: across from its middle, down from its top."""
        return [(x + w / 2 + u * w, y + v * h) for u, v in points]

    def limb(points: list[tuple[float, float]], colour: Colour, width: float) -> None:
        draw.line(at(*points), fill=colour, width=max(2, int(w * width)), joint="curve")

    sleeves = (figure.shirt[0] * 6 // 7, figure.shirt[1] * 6 // 7, figure.shirt[2] * 6 // 7)
    draw.ellipse(at((-0.55, 0.965), (0.55, 1.02)), fill=(108, 108, 108))
    for side, shift in ((-0.1, stride), (0.1, -stride)):
        limb([(side, 0.54), (side * 0.8 + shift * 0.7, 0.76), (side + shift, 0.985)], figure.trousers, 0.27)
        draw.ellipse(at((side + shift - 0.12, 0.96), (side + shift + 0.16, 0.997)), fill=(36, 34, 34))
    for side, shift in ((-0.3, -stride), (0.3, stride)):
        hand = side * 1.1 + shift
        limb([(side, 0.22), (side * 1.2 + shift * 0.5, 0.38), (hand, 0.51)], sleeves, 0.18)
        draw.ellipse(at((hand - 0.08, 0.48), (hand + 0.08, 0.54)), fill=figure.skin)
    draw.rounded_rectangle(at((-0.36, 0.17), (0.36, 0.58)), radius=w * 0.2, fill=figure.shirt)
    if figure.bag:
        limb([(-0.26, 0.18), (0.30, 0.46)], figure.bag, 0.07)
        draw.rounded_rectangle(at((0.12, 0.42), (0.50, 0.58)), radius=w * 0.06, fill=figure.bag)
    draw.rectangle(at((-0.08, 0.12), (0.08, 0.19)), fill=figure.skin)
    draw.ellipse(at((-0.19, 0.015), (0.19, 0.155)), fill=figure.skin)
    draw.pieslice(at((-0.21, 0), (0.21, 0.15)), 180, 360, fill=figure.hair)


Background = Callable[[int, int], Image.Image]


@dataclass(frozen=True)
class Scene:
    """A place and who walks through it."""

    background: Background
    walks: Sequence[Walk]
    width: int
    height: int

    def picture(self, second: float) -> Pixels:
        """The picture (h, w, 3) RGB at a time."""
        wide, tall = self.width * SMOOTH, self.height * SMOOTH
        image = self.background(wide, tall)
        seen = [(walk, box) for walk in self.walks if (box := walk.box(second, wide, tall))]
        for walk, box in sorted(seen, key=lambda one: one[1][1] + one[1][3]):
            draw_figure(image, walk.figure, box, (second - walk.begin) * 7)
        return np.asarray(image.resize((self.width, self.height), Image.Resampling.BOX))

    def write(self, path: Path, seconds: float, rate: int = 10) -> None:
        """Record the scene as H.264."""
        with av.open(str(path), "w") as container:
            stream = container.add_stream("libx264", rate=rate, options={"preset": "veryfast", "crf": "24"})
            stream.width, stream.height, stream.pix_fmt = self.width, self.height, "yuv420p"
            for n in range(round(seconds * rate)):
                frame = av.VideoFrame.from_ndarray(self.picture(n / rate), format="rgb24")
                frame.pts, frame.time_base = n, Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))


def strip(pictures: Sequence[Pixels], boxes: Sequence[Box]) -> bytes:
    """Four crops side by side as a JPEG, 96 x 192 each, as the indexer's thumbnails are."""
    sheet = Image.new("RGB", (384, 192))
    for n, (picture, (x, y, w, h)) in enumerate(zip(pictures, boxes, strict=True)):
        left = x + w / 2 - h / 4
        crop = Image.fromarray(picture).crop((int(left), int(y), int(left + h / 2), int(y + h)))
        sheet.paste(crop.resize((96, 192), Image.Resampling.BICUBIC), (96 * n, 0))
    return jpeg(np.asarray(sheet))


def jpeg(picture: Pixels, quality: int = 90) -> bytes:
    """The picture as a JPEG file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()
