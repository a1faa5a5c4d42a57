"""Is one recipe better than another? Several seeds of each, compared query by query.

    python -m scripts.compare --first a1.json a2.json --against b1.json b2.json

The files are what `sightline evaluate --json` wrote: one a seed, on one data set. Each query's figure is the
mean over the seeds of a side; people are drawn anew (models.evaluation.comparison). Beside it stands how much
seeds differ: the deviation of the difference over pairs of seeds.
"""

import argparse
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path

from models.errors import ModelError
from models.evaluation.comparison import Judged, compare, read_judged
from models.evaluation.report import COMPARED


def table(first: Sequence[Path], against: Sequence[Path]) -> list[str]:
    """Lines of a Markdown table: one a protocol that all files have.

    Raises:
        BadDataset: a file cannot be read, or they are of other queries.
    """
    sides = [[read_judged(file) for file in side] for side in (first, against)]
    lines = ["| judged by | " + " | ".join(COMPARED) + " |", "|---" * (1 + len(COMPARED)) + "|"]
    for one in sides[0][0]:
        chosen = [[_of(one, seed) for seed in side] for side in sides]
        whole = compare(chosen[0], chosen[1])
        cells = []
        for name in COMPARED:
            found = whole.differences[name]
            seeds = [100 * (a.mean(name) - b.mean(name)) for a, b in zip(chosen[0], chosen[1], strict=False)]
            spread = f", seeds +-{statistics.stdev(seeds):.1f}" if len(seeds) > 1 else ""
            cells.append(
                f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f}), "
                f"p {found.p:.3f}{spread}"
            )
        lines.append(f"| {one.dataset}, {one.protocol}, {one.ranked_by} | " + " | ".join(cells) + " |")
    return lines


def _of(wanted: Judged, judged: Sequence[Judged]) -> Judged:
    for one in judged:
        if (one.dataset, one.protocol, one.ranked_by) == (wanted.dataset, wanted.protocol, wanted.ranked_by):
            return one
    raise SystemExit(f"a file has no figures of {wanted.dataset} by {wanted.protocol}, {wanted.ranked_by}")


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--first", type=Path, nargs="+", required=True)
    parser.add_argument("--against", type=Path, nargs="+", required=True)
    options = parser.parse_args()
    try:
        sys.stdout.write("\n".join(table(options.first, options.against)) + "\n")
    except ModelError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
