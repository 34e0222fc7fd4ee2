"""Who works on a trial, and whether that process still lives: trials of dead ones are given to others."""

import os
import platform
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PATIENCE_S = 3600.0
"""For a trial of a process that cannot be looked at, on another machine for instance."""


def this_worker() -> dict[str, Any]:
    """What others need to find out whether this process lives, as JSON. Every call makes another worker."""
    pid = os.getpid()
    return {"host": platform.node(), "pid": pid, "started": _started(pid), "token": uuid.uuid4().hex}


def is_alive(worker: Mapping[str, Any], *, silent_s: float) -> bool:
    """Whether a worker's process lives; of one that cannot be looked at, whether it was heard of lately.

    Args:
        worker: what `this_worker` said in that process.
        silent_s: seconds since it was last heard of.
    """
    if os.name != "posix" or worker["host"] != platform.node():
        return silent_s < PATIENCE_S
    try:
        os.kill(worker["pid"], 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # It lives, under another user.
        return True
    # The number may have gone to another process since.
    return worker["started"] is None or worker["started"] == _started(worker["pid"])


def _started(pid: int) -> str | None:
    """When a process started, in a form that is never the same for two; None where the system has no /proc.

    A process that was killed and not yet collected by its parent has no start.
    """
    with suppress(OSError, IndexError):
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        # The program's name, in brackets, may hold blanks; what follows starts with the state.
        state, *rest = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return "ended" if state in "ZX" else f"{boot}:{rest[18]}"
    return None
