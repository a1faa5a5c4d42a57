"""What an input must not bring about: writing outside its folder, programs, connections.

By an audit hook, which sees what Python does before it is done; what libraries in C do themselves it does not
see, so that the folder is looked at too.
"""

import os
import sys
from pathlib import Path
from typing import Any, Final

WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
PATHS: Final = {
    "os.mkdir": 1,
    "os.rename": 2,
    "os.remove": 1,
    "os.rmdir": 1,
    "os.link": 2,
    "os.symlink": 2,
    "os.truncate": 1,
    "os.chmod": 1,
    "shutil.rmtree": 1,
}
FORBIDDEN: Final = (
    "os.exec",
    "os.system",
    "os.posix_spawn",
    "subprocess.Popen",
    "socket.connect",
    "socket.bind",
)
FORBIDDEN_CODE: Final = ("pickle.find_class",)


class Guard:
    """Watches the process from now on.

    Args:
        folder: where may be written.
        programs: whether programs may be started.
    """

    def __init__(self, folder: Path, *, programs: bool = False) -> None:
        self._folder = os.path.realpath(folder)
        self._programs = programs
        self.found: list[str] = []
        # What an import compiles is Python's own, and lies beside the module: no input's doing.
        sys.dont_write_bytecode = True
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, mode, flags = arguments
            writes = flags & WRITING if isinstance(flags, int) else mode and set(str(mode)) & set("wax+")
            if writes and not isinstance(path, int):
                self._check(event, path)
        elif event in PATHS:
            for path in arguments[: PATHS[event]]:
                if not isinstance(path, int):
                    self._check(event, path)
        elif event in FORBIDDEN_CODE or (event in FORBIDDEN and not self._programs):
            self.found.append(f"{event} {arguments!r:.200}")

    def _check(self, event: str, path: Any) -> None:
        name = os.fsdecode(path)
        where = os.path.realpath(os.path.dirname(os.path.abspath(name)))
        if (
            name not in {os.devnull, ""}
            and where != self._folder
            and not where.startswith(self._folder + os.sep)
        ):
            self.found.append(f"{event} {name!r:.200}")
