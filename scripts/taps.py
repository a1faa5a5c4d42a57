"""Read a trained CRF network at its taps: a checkpoint each for its CNN's and its RNN's features alone.

    python -m scripts.taps out/crf/model OUT

writes OUT/cnn and OUT/rnn. The paper's ablation compares these and their sum, which is the model itself, as
features of one trained network (`models.networks.crf.CRF.tap`); judge each with `sightline evaluate`.
"""

import argparse
import sys
from pathlib import Path

from models import checkpoint
from models.errors import BadCheckpoint, ModelError
from models.networks.crf import CRF

TAPS = ("cnn", "rnn")


def write_taps(model: Path, folder: Path) -> list[Path]:
    """Write a checkpoint a tap into `folder`; give their folders.

    Raises:
        UnknownModel, BadCheckpoint: it cannot be loaded, or is no CRF network with features of both kinds.
    """
    loaded = checkpoint.load(model)
    network = loaded.network
    if not isinstance(network, CRF) or network.features != "cnn+rnn":
        raise BadCheckpoint(f"{model} is no CRF network with the features cnn+rnn")
    folders = []
    for tap in TAPS:
        tapped = network.tap(tap)
        facts = {"taps": {"features": tap, "of": loaded.id}, "recipe": loaded.card.get("recipe")}
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
    options = parser.parse_args()
    try:
        folders = write_taps(options.model, options.out)
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write("".join(f"{folder}\n" for folder in folders))
    return 0


if __name__ == "__main__":
    sys.exit(main())
