"""How many processor cores this process may use."""

import os


def usable_cores() -> int:
    """Cores that the process may run on, which a container or a scheduler may limit; at least 1."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
