"""A process that adapts: `python -m tests.models.adaptation.running FOLDER`; prints the id of the weights."""

import sys
from pathlib import Path

import torch

from models import checkpoint
from models.adaptation.adapt import adapt
from tests.models.adaptation.world import World, quick, small_model


def main() -> None:
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    settings = quick(rounds=3, steps=6)
    result = adapt(World(), small_model(), settings, folder, name="ours", device="cpu")
    sys.stdout.write(checkpoint.load(result.model or folder / "rejected").id)


if __name__ == "__main__":
    main()
