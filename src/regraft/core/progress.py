"""A progress bar on standard error, with the time left, for whatever takes longer than a second."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

APPEARS_AFTER_S = 1.0

Advance = Callable[[int], None]


@contextmanager
def progress(label: str, total: int) -> Iterator[Advance]:
    """Yield a function that is told how many more units are done.

    The bar appears only on a terminal and only after a second, so that short work stays quiet. It never
    writes to standard output, which belongs to results.
    """
    if not sys.stderr.isatty() or total <= 0:
        yield lambda _done: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True)
    task = bar.add_task(label, total=total)
    started = time.monotonic()
    shown = False

    def advance(done: int) -> None:
        nonlocal shown
        if not shown and time.monotonic() - started > APPEARS_AFTER_S:
            bar.start()
            shown = True
        bar.update(task, advance=done)

    try:
        yield advance
    finally:
        if shown:
            bar.stop()
