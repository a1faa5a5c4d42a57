"""Pictures as on T-shirts."""

import numpy as np
from PIL import Image, ImageDraw

from simulation.body import Array

PRINT_SIZE = 64


def draw_print(rng: np.random.Generator) -> Array:
    """A picture as on a T-shirt: RGBA (64, 64, 4) uint8, colours linear."""
    image = Image.new("RGBA", (PRINT_SIZE * 2, PRINT_SIZE * 2))
    pen = ImageDraw.Draw(image)
    ink = [tuple(int(v) for v in rng.integers(10, 250, 3)) for _ in range(4)]
    kind = rng.choice(["discs", "blocks", "letters", "star", "picture"])
    if kind == "discs":
        for k in range(rng.integers(1, 4)):
            x, y, r = (int(rng.integers(*span)) for span in ((36, 92), (36, 92), (14, 44)))
            pen.ellipse([x - r, y - r, x + r, y + r], fill=(*ink[k], 255))
    elif kind == "blocks":
        for k in range(rng.integers(2, 5)):
            x, y = (int(v) for v in rng.integers(4, 70, 2))
            w, h = (int(v) for v in rng.integers(16, 56, 2))
            pen.rectangle([x, y, x + w, y + h], fill=(*ink[k % 4], 255))
    elif kind == "letters":
        for row in range(rng.integers(1, 4)):
            text = "".join(chr(int(v)) for v in rng.integers(65, 91, rng.integers(2, 6)))
            pen.text((6, 8 + 38 * row), text, fill=(*ink[0], 255), font_size=float(rng.uniform(26, 42)))
    elif kind == "star":
        points, inner = int(rng.integers(3, 9)), rng.uniform(0.3, 0.7)
        angles = np.linspace(0, 2 * np.pi, 2 * points, endpoint=False)
        corners = [
            (64 + 58 * np.cos(t) * (inner if k % 2 else 1), 64 + 58 * np.sin(t) * (inner if k % 2 else 1))
            for k, t in enumerate(angles)
        ]
        pen.polygon(corners, fill=(*ink[0], 255))
    else:
        small = Image.fromarray(rng.integers(10, 250, (*rng.integers(2, 7, 2), 3)).astype(np.uint8))
        image.paste(small.resize((104, 104), Image.Resampling.BICUBIC), (12, 12))
    pixels = np.asarray(image.resize((PRINT_SIZE, PRINT_SIZE), Image.Resampling.BOX), np.float32) / 255
    pixels = np.concatenate([pixels[..., :3] ** 2.2, pixels[..., 3:]], -1)
    return np.asarray(np.round(pixels * 255), np.uint8)
