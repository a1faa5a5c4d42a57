"""Which system finds more people, and which of its parts helps? One budget, one way of judging.

    sightline simulate tracklets --preset small --truth --out out/tracklets-small
    sightline simulate tracklets --preset train-3000 --out out/tracklets-train-3000
    python benchmarks/systems.py out/tracklets-small out/tracklets-train-3000 [--real CUHK01]
        [--begin models/zoo/tkp-efficientnet-lite0] [--out out/systems] [--steps 100] [--threads 1]
        [--only NAME ...] [--tables]

Every network begins with the same picture backbone, learns from 64 pictures of 128 x 64 a step, from the
people of the first folder, and is judged by the unseen people of the second, another world. What is done is
not done again, so an interrupted run goes on; two may share a folder, with different names behind --only.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

COMMON: Final = {
    "input": "{height: 128, width: 64}",
    "system.label_smoothing": 0.1,
    "system.within_world": "false",
    "optimiser.learning_rate": 0.0005,
    "optimiser.frozen_blocks": 5,
    "optimiser.ema": 0.98,
    "run": "{log_every: 10, save_every: 50}",
}
# The classifier takes part from the start; see tkp-efficientnet-lite0-cpu for the weight of triplets.
TKP: Final = {"system.image.cross_entropy": 1, "system.video.cross_entropy": 1}
NO_FEATURES: Final = {"system.feature_propagation": 0}
NO_DISTANCES: Final = {"system.distance_propagation": 0}
# Flow and memory want frames that follow each other.
SEQUENCES: Final = {
    "batches": "{sampler: worlds, identities: 8, clips: 2, frames: 4, stride: 1, choice: strided}"
}
# The first blocks see flow, which ImageNet does not know.
CRF: Final = {**SEQUENCES, "optimiser.frozen_blocks": 0}
PARTS: Final = {"architecture": "{features: cnn+rnn, parts: [full, upper, lower]}"}
HALF: Final = {**SEQUENCES, "system.image_people": 0.5}


@dataclass(frozen=True)
class Run:
    """A recipe with changes. Values may name other runs' folders as {out}; `share` is of the common steps."""

    title: str
    recipe: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    share: float = 1.0
    judged: bool = True


RUNS: Final = {
    "begin": Run(
        "what all begin with, at 128 x 64",
        "tkp-efficientnet-lite0-cpu-images",
        {"optimiser.learning_rate": "1.0e-12", "schedule.steps": 1, "schedule.warm_up": 0},
    ),
    "tkp-neither": Run(
        "TKP's pair without propagation", "tkp-efficientnet-lite0-cpu", TKP | NO_FEATURES | NO_DISTANCES
    ),
    "tkp-features": Run("TKP, features alone (TKP-F)", "tkp-efficientnet-lite0-cpu", TKP | NO_DISTANCES),
    "tkp-distances": Run("TKP, distances alone (TKP-D)", "tkp-efficientnet-lite0-cpu", TKP | NO_FEATURES),
    "tkp": Run("TKP", "tkp-efficientnet-lite0-cpu", TKP),
    "3d-saa": Run("3D-SAA alone", "3d-saa-cmil-efficientnet-lite0-cpu", {"system.interactive": "false"}),
    "cmil": Run("CMIL alone", "3d-saa-cmil-efficientnet-lite0-cpu", {"system.appearance": "none"}),
    "3d-saa-cmil": Run("3D-SAA + CMIL", "3d-saa-cmil-efficientnet-lite0-cpu"),
    "vkd-teacher": Run("VKD, teacher", "vkd-efficientnet-lite0-cpu-teacher"),
    "vkd-student": Run(
        "VKD, student of this teacher",
        "vkd-efficientnet-lite0-cpu-student",
        {"system.teacher": "{out}/vkd-teacher", "initialise": "{out}/vkd-teacher/model"},
    ),
    "vkd-undistilled": Run(
        "VKD, student whom no teacher teaches",
        "vkd-efficientnet-lite0-cpu-student",
        {
            "system.teacher": "{out}/vkd-teacher",
            "initialise": "{out}/vkd-teacher/model",
            "system.view_distillation": 0,
            "system.distance_distillation": 0,
        },
    ),
    "crf-cnn": Run("CRF, CNN", "crf-efficientnet-lite0-cpu", {**CRF, "architecture": "{features: cnn}"}),
    "crf-rnn": Run("CRF, RNN", "crf-efficientnet-lite0-cpu", {**CRF, "architecture": "{features: rnn}"}),
    "crf": Run("CRF, CNN + RNN", "crf-efficientnet-lite0-cpu", CRF),
    "crf-parts": Run(
        "CRF, full, upper and lower body", "crf-efficientnet-lite0-cpu", CRF | PARTS, judged=False
    ),
    "crf-fusion": Run(
        "CRF, CNN + RNN, fusion with upper and lower body",
        "crf-efficientnet-lite0-cpu",
        {**CRF, **PARTS, "system.stage": "fusion", "initialise": "{out}/crf-parts/model"},
        share=0.1,
    ),
    "captioner": Run("captioners", "captioner-efficientnet-lite0-cpu", judged=False),
    "cross-modal-alone": Run(
        "cross-modal embeddings without reuse",
        "cross-modal-efficientnet-lite0-cpu",
        {"system.reuse": "none"},
    ),
    "cross-modal": Run(
        "cross-modal embeddings with fixed model reuse",
        "cross-modal-efficientnet-lite0-cpu",
        {"system.captioner": "{out}/captioner/model"},
    ),
    "alignment-sequences": Run(
        "alignment, clips of half of the people and no others",
        "cross-modality-alignment-efficientnet-lite0-cpu",
        {**HALF, "system.use_images": "false"},
    ),
    "alignment-images": Run(
        "alignment, these clips and photos of the other half",
        "cross-modality-alignment-efficientnet-lite0-cpu",
        HALF,
    ),
    "alignment": Run("alignment, clips of all", "cross-modality-alignment-efficientnet-lite0-cpu", SEQUENCES),
}


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("train", type=Path, help="simulated set with body parts, to learn from")
    parser.add_argument("test", type=Path, help="simulated set whose test people judge")
    parser.add_argument("--real", type=Path, help="folder of CUHK01, to judge by too")
    parser.add_argument("--out", type=Path, default=Path("out/systems"))
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--begin", default="imagenet", help="or a checkpoint with that backbone")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS), metavar="NAME")
    parser.add_argument("--tables", action="store_true", help="only print what is there")
    options = parser.parse_args()
    if not options.tables:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in options.only:
            learn(name, options)
            if RUNS[name].judged:
                judge(name, options)
    print_tables(options.out, options.only)


def learn(name: str, options: argparse.Namespace) -> None:
    """Train one run to its end, if that is not done."""
    folder = options.out / name
    if not (folder / "model").exists():
        sets = [f"--set={change}" for change in changes(name, options.begin, options.steps, options.out)]
        sightline("train", RUNS[name].recipe, "--dataset=simulated", f"--root={options.train}",
                  f"--out={folder}", f"--threads={options.threads}", "--resume", *sets)  # fmt: skip


def changes(name: str, begin: str, steps: int, out: Path) -> list[str]:
    """What a run changes in its recipe, as KEY=VALUE."""
    run = RUNS[name]
    steps = round(run.share * steps)
    found = {"schedule.steps": steps, "schedule.warm_up": steps // 10, "initialise": begin, **run.changes}
    if name != "captioner":
        found = {**COMMON, **found}
    return [f"{key}={value}".replace("{out}", str(out)) for key, value in found.items()]


def judge(name: str, options: argparse.Namespace) -> None:
    """Evaluate one run on all that there is, if that is not done."""
    folder = options.out / name
    wanted = [("simulated", options.test, "all")]
    if options.real is not None:
        wanted.append(("cuhk01", options.real, "i2v"))
    for dataset, root, protocol in wanted:
        file = folder / f"{dataset}.json"
        if not file.exists():
            partial = file.with_suffix(".partial")
            sightline("evaluate", f"--dataset={dataset}", f"--root={root}", f"--protocol={protocol}",
                      f"--model={folder / 'model'}", f"--json={partial}",
                      f"--threads={options.threads}")  # fmt: skip
            partial.rename(file)


def sightline(*words: str) -> None:
    """Run the command, and stop if it fails."""
    print("sightline", *words, flush=True)
    subprocess.run([sys.executable, "-m", "sightline", *words], check=True)


def print_tables(out: Path, names: list[str]) -> None:
    """What the files say, as Markdown."""
    print("| run | " + " | ".join(f"{p} rank-1 | mAP" for p in ("I2V", "V2V", "I2I", "CUHK01 I2V")) + " |")
    print("|---" * 9 + "|")
    for name in names:
        found = dict(figures(out / name))
        if found:
            cells = [found.get(key, ("", "")) for key in ("i2v", "v2v", "i2i", "cuhk01")]
            print(f"| {RUNS[name].title} | " + " | ".join(text for pair in cells for text in pair) + " |")


def figures(folder: Path) -> Iterator[tuple[str, tuple[str, str]]]:
    """Of each protocol, rank-1 and mAP in percent with their intervals."""
    for file in (folder / "simulated.json", folder / "cuhk01.json"):
        if file.exists():
            for one in json.loads(file.read_text())["evaluations"]:
                key = "cuhk01" if one["dataset"].startswith("cuhk01") else one["protocol"]
                rank_1 = cell(one["figures"]["rank"]["1"], one["intervals"]["rank_1"])
                yield key, (rank_1, cell(one["figures"]["map_standard"], one["intervals"]["map_standard"]))


def cell(value: float, interval: Mapping[str, float]) -> str:
    """In percent."""
    return f"{100 * value:.1f} ({100 * interval['low']:.1f} to {100 * interval['high']:.1f})"


if __name__ == "__main__":
    main()
