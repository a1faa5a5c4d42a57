"""Put a trained checkpoint among the models that ship, with what was measured of it on its card.

    python -m scripts.ship_model out/pair/model --before out/images/model \
        --figures out/cuhk01.json --figures out/simulated.json \
        --limit "people who changed clothes are other people to it"

The figures are files that `sightline evaluate --json` wrote for exactly these weights.
"""

import argparse
import json
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models import checkpoint, zoo
from models.checkpoint import LoadedModel


def summaries(path: Path, model_id: str) -> Iterator[dict[str, Any]]:
    """What a card says of each evaluation of a file: shares with their 95 % intervals."""
    for one in json.loads(path.read_text(encoding="utf-8"))["evaluations"]:
        if one["model_id"] != model_id:
            raise SystemExit(f"{path} judges other weights than these")
        yield {
            "dataset": one["dataset"],
            "protocol": one["protocol"],
            "splits": len(one["splits"]),
            "queries": one["counts"]["queries"],
            "gallery": one["counts"]["gallery"],
            "rank": one["figures"]["rank"],
            "map_standard": one["figures"]["map_standard"],
            "map_trapezoid": one["figures"]["map_trapezoid"],
            "intervals_95": one["intervals"],
        }


def history(model: LoadedModel, before: Path | None) -> dict[str, Any]:
    """How a model was trained, with the training of what it began from where that is given."""
    training: dict[str, Any] = dict(model.card["training"])
    if before is not None:
        first = checkpoint.load(before)
        if first.id != training["begun_from"]:
            raise SystemExit(f"{before} is not what {model.name} began from")
        training["before"] = first.card["training"]
    return training


def ship(folder: Path, figures: Sequence[Path], limits: Sequence[str], before: Path | None) -> Path:
    """Copy a checkpoint to the folder of its name in models/zoo; returns that folder."""
    model = checkpoint.load(folder)
    card = {
        **model.card,
        "training": history(model, before),
        "figures": [summary for path in figures for summary in summaries(path, model.id)],
        "intended_use": "ranking tracklets of recordings against a photo, for a person to look at",
        "limits": list(limits),
    }
    target = Path(zoo.__file__).parent / model.name
    target.mkdir(exist_ok=True)
    shutil.copyfile(folder / checkpoint.WEIGHTS, target / checkpoint.WEIGHTS)
    text = json.dumps(card, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (target / checkpoint.CARD).write_text(text, encoding="utf-8")
    checkpoint.load(target)
    return target


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path)
    parser.add_argument("--before", type=Path, help="the checkpoint that its training began from")
    parser.add_argument("--figures", type=Path, action="append", required=True)
    parser.add_argument("--limit", action="append", default=[])
    options = parser.parse_args()
    sys.stdout.write(f"{ship(options.model, options.figures, options.limit, options.before)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
