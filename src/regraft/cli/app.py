"""The table of verbs, and what happens to errors."""

import sys
from importlib.metadata import version

from cyclopts import App

from regraft.core.errors import RegraftError

VERBS = {
    "fit": "Turn a folder of labelled images into a tuned, tested, saved classifier.",
    "predict": "Classify images with a run's model, as CSV or JSON lines.",
    "evaluate": "Measure a run's model on labelled images it has not seen.",
    "report": "Show a run's report again.",
    "inspect": "Look at a folder of labelled images before using it.",
    "embed": "Write the features of images to a file.",
    "backbones": "List the pretrained networks, or describe one.",
    "cache": "List or clear what regraft keeps so as not to compute it twice.",
    "demo": "Run the main job on scikit-learn's handwritten digits.",
}

INTERRUPTED = 130

app = App(
    name="regraft",
    help="Graft a pretrained vision network onto your own image classes.",
    version=lambda: version("regraft"),
)
for _verb, _help in VERBS.items():
    # Named by text, a verb is imported when it is used.
    app.command(f"regraft.cli.{_verb}:{_verb}", name=_verb, help=_help)


def main() -> None:
    """Run the verb named on the command line; exit 0 if it did its work, 1 on an error, 2 on wrong usage."""
    words = [word for word in sys.argv[1:] if word != "--debug"]
    try:
        app(words)
    except RegraftError as error:
        if "--debug" in sys.argv:
            raise
        print(f"regraft: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("regraft: stopped.", file=sys.stderr)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        sys.exit(0)
