"""Commands in processes forked from one that has imported what they need, so that they begin at once.

Each has its own memory, working folder, environment, output and exit status, as when a shell starts it.
"""

import multiprocessing
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

IMPORTED = (
    *("torch", "timm", "openvino", "optuna", "sklearn.metrics", "sklearn.svm", "scipy.optimize", "cv2"),
    *("regraft.cli.fit", "regraft.cli.predict", "regraft.pipeline", "regraft.backbones", "regraft.heads"),
)


def run_forked(
    words: Sequence[str], *, folder: Path, environment: Mapping[str, str], output: Path, timeout: float
) -> int:
    """Run `regraft` to its end, its output going to the files `out` and `err`; returns the exit status."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(list(IMPORTED))
    process = context.Process(target=_command, args=(words, folder, dict(environment), output))
    process.start()
    process.join(timeout)
    if process.is_alive():
        process.kill()
        raise TimeoutError(f"regraft {' '.join(words)} did not end within {timeout} s")
    assert process.exitcode is not None
    return process.exitcode


def _command(words: Sequence[str], folder: Path, environment: dict[str, str], output: Path) -> None:
    for number, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(output / name, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["regraft", *words]
    from regraft.cli import main

    main()
