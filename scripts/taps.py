"""Read a trained CRF network at its taps: a checkpoint each for its CNN's and its RNN's features alone.

    python -m scripts.taps out/crf/model OUT
    python -m scripts.taps out/crf/model OUT --part full

writes OUT/cnn and OUT/rnn, and OUT/sum besides where one region of the body is read alone. The paper's
ablation compares these, their sum, which is the model itself where it has one region, and the fusion of all
regions, as features of one trained network (`models.networks.crf.CRF.tap`); judge each with `sightline
evaluate`.
"""

import argparse
import sys
from pathlib import Path

from models import checkpoint
from models.errors import BadCheckpoint, ModelError
from models.networks.crf import CRF, REGIONS

TAPS = {"cnn": "cnn", "rnn": "rnn", "sum": "cnn+rnn"}


def write_taps(model: Path, folder: Path, part: str | None = None) -> list[Path]:
    """Write a checkpoint a tap into `folder`, of one region of the body or of all; give their folders.

    Raises:
        UnknownModel, BadCheckpoint: it cannot be loaded, or is no CRF network with features of both kinds and
            this region.
    """
    loaded = checkpoint.load(model)
    network = loaded.network
    if not isinstance(network, CRF) or network.features != "cnn+rnn":
        raise BadCheckpoint(f"{model} is no CRF network with the features cnn+rnn")
    if part is not None and part not in network.subnetworks:
        raise BadCheckpoint(f"{model} has no sub-network of the {part} body")
    folders = []
    for tap in ("cnn", "rnn") if part is None else TAPS:
        tapped = network.tap(TAPS[tap], part)
        of = {"features": TAPS[tap], "parts": list(tapped.subnetworks), "of": loaded.id}
        facts = {"taps": of, "recipe": loaded.card.get("recipe")}
        card = checkpoint.describe(tapped, f"{loaded.name[:60]}-{tap}", loaded.preprocessing, facts)
        checkpoint.save(folder / tap, tapped, card)
        folders.append(folder / tap)
    return folders


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, help="folder of a checkpoint")
    parser.add_argument("out", type=Path, help="folder for those of the taps")
    parser.add_argument("--part", choices=REGIONS, help="one region of the body alone, and its sum too")
    options = parser.parse_args()
    try:
        folders = write_taps(options.model, options.out, options.part)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{folder}\n" for folder in folders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
