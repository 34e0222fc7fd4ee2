"""`regraft demo`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.fit import fit


def demo(
    *,
    folder: Path = Path("demo"),
    budget: str = "3m",
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write scikit-learn's 1,797 handwritten digits as an image folder and run the main job on it.

    Args:
        folder: where the images go.
        budget: as for fit.
        json: print one JSON object instead of the report.
    """
    from regraft.data import write_digits

    fit(write_digits(folder / "digits"), budget=budget, json=json)
