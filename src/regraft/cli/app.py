"""The table of verbs, and what happens to errors."""

import io
import os
import sys
from importlib.metadata import version

from cyclopts import App

from regraft.core.errors import RegraftError

VERBS = {
    "fit": "Turn a folder of labelled images into a tuned, tested, saved classifier.",
    "tune": "Search heads and their settings on stored features, and save the best.",
    "predict": "Classify images with a run's model, as CSV or JSON lines.",
    "evaluate": "Measure a run's model on labelled images it has not seen.",
    "report": "Show a run's report again.",
    "inspect": "Look at a folder of labelled images before using it.",
    "rank": "Compare pretrained networks on a folder of labelled images, and recommend one.",
    "embed": "Write the features of images to a file.",
    "backbones": "List the pretrained networks, or describe one.",
    "cache": "List or clear what regraft keeps so as not to compute it twice.",
    "demo": "Run the main job on scikit-learn's handwritten digits, or on a public data set.",
}

FAILED, INTERRUPTED = 1, 130
DEBUG = "--debug"

app = App(
    name="regraft",
    help="Graft a pretrained vision network onto your own image classes.",
    help_epilogue=f"With {DEBUG}, anywhere, an error shows where in the program it arose.",
    version=lambda: version("regraft"),
    result_action="return_value",
)
for _verb, _help in VERBS.items():
    # Named by text, a verb is imported when it is used.
    app.command(f"regraft.cli.{_verb}:{_verb}", name=_verb, help=_help)


def main() -> None:
    """Run the verb named on the command line; exit 0 if it did its work, 1 on an error, 2 on wrong usage."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Results are UTF-8 wherever they go, and a file name that is not comes out as it went in.
        sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
    try:
        app([word for word in sys.argv[1:] if word != DEBUG])
        sys.stdout.flush()
    except KeyboardInterrupt:
        _give_up("stopped.", INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        _discard_output()
    except (RegraftError, OSError) as error:
        if DEBUG in sys.argv:
            raise
        _give_up(str(error), FAILED)


def _give_up(message: str, status: int) -> None:
    print(f"regraft: {message}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        _discard_output()
    sys.exit(status)


def _discard_output() -> None:
    """Let what cannot be written go nowhere, or the interpreter would complain about it on its way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
