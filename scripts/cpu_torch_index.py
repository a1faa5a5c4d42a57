"""Print the package index to take the CPU build of torch from; an empty line when pip needs none.

PyPI offers the CUDA build for Linux, gigabytes that a machine without a GPU has no use for. PyTorch's own
index has the CPU build; some machines' pip is configured to find one elsewhere.
"""

import json
import subprocess
import sys
import urllib.error
import urllib.request

CPU_INDEX = "https://download.pytorch.org/whl/cpu"


def pip_offers_cpu_build() -> bool:
    """Whether pip, as configured on this machine, chooses a build of torch without CUDA."""
    command = "install -qq --dry-run --ignore-installed --no-deps --report - -c constraints.txt torch"
    result = subprocess.run(
        [sys.executable, "-m", "pip", *command.split()], capture_output=True, text=True, check=False
    )
    if result.returncode != 0:
        return False
    chosen: str = json.loads(result.stdout)["install"][0]["metadata"]["version"]
    return sys.platform != "linux" or chosen.endswith("+cpu")


def answers(index: str) -> bool:
    """Whether the index can be reached from here."""
    try:
        with urllib.request.urlopen(f"{index}/torch/", timeout=5):
            return True
    except (urllib.error.URLError, TimeoutError):
        return False


if __name__ == "__main__":
    sys.stdout.write(("" if pip_offers_cpu_build() or not answers(CPU_INDEX) else CPU_INDEX) + "\n")
