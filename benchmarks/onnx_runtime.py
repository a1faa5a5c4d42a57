"""Is ONNX Runtime faster than torch on a CPU? `python benchmarks/onnx_runtime.py MODEL FOLDER`

FOLDER is what `sightline models export MODEL --onnx FOLDER` wrote. Both embed the same photos and the same
clip, with one thread and with two, in turns: whatever else uses the cores slows both. Times are CPU time of
the process, threads added up, which hardly depends on what else runs. The ratio of each turn is torch's time
by ONNX Runtime's; its median is what to believe, and its quartiles say how much.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models import zoo
from models.embedder import CPU_FRAMES
from models.exported.writing import IMAGE, INPUT, OUTPUT, VIDEO
from models.inference import optimise
from models.onnx_runtime import open_on_cpu

TURNS = 15
PHOTOS = (1, CPU_FRAMES)
FRAMES = 8


def main(name: str, folder: Path) -> None:
    model = zoo.load(name)
    network = optimise(model.network)
    height, width = model.preprocessing.height, model.preprocessing.width
    print(f"{name}, {height} x {width}; torch {torch.__version__}, median of {TURNS} turns, CPU time")
    print("| task | threads | torch, ms | ONNX Runtime, ms | ratio (quartiles) | largest difference |")
    print("|---|---:|---:|---:|---|---:|")
    for threads in (1, 2):
        torch.set_num_threads(threads)
        image, video = (open_on_cpu(folder / file, threads) for file in (IMAGE, VIDEO))
        for count in PHOTOS:
            pictures = torch.randn(count, 3, height, width)
            compare(f"{count} photos", threads, pictures, network.embed_images, image)
        clip = torch.randn(FRAMES, 3, height, width)
        compare(
            f"a clip of {FRAMES}",
            threads,
            clip,
            lambda frames: network.embed_frames(frames, [len(frames)], CPU_FRAMES),
            video,
        )


@torch.inference_mode()
def compare(
    task: str, threads: int, pictures: torch.Tensor, embed: Callable[[torch.Tensor], Any], session: Any
) -> None:
    pictures = pictures.to(memory_format=torch.channels_last)
    plain = pictures.contiguous().numpy()
    found = [
        (timed(lambda: embed(pictures)), timed(lambda: session.run([OUTPUT], {INPUT: plain})[0]))
        for _ in range(TURNS + 2)
    ][2:]
    ours = np.array([one[0][0] for one in found])
    theirs = np.array([one[1][0] for one in found])
    difference = np.abs(found[0][0][1].numpy() - found[0][1][1]).max()
    low, middle, high = np.quantile(ours / theirs, (0.25, 0.5, 0.75))
    times = f"{1e3 * np.median(ours):.1f} | {1e3 * np.median(theirs):.1f}"
    print(f"| {task} | {threads} | {times} | {middle:.2f} ({low:.2f} to {high:.2f}) | {difference:.1e} |")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    begin = time.process_time()
    found = work()
    return time.process_time() - begin, found


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
