"""The flags that say where labels are written, shared by every command that reads labelled images."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.data import Labelled


@Parameter(name="*")
@dataclass(frozen=True)
class SourceFlags:
    """Where the labels are, if they are neither folders nor a table's column `label`."""

    label_from: Annotated[
        str | None,
        Parameter(
            help="take labels from file names by a pattern such as '{label}_*.jpg'; further fields are "
            "{group}, {domain}, {split}, {time} and {number}, and * stands for anything; with a / in it, the "
            "pattern is held against the path from the folder on"
        ),
    ] = None
    task: Annotated[
        str | None, Parameter(help="learn a table's column label_TASK in place of label", show_default=False)
    ] = None

    def of(self, source: Path) -> Labelled:
        """A source with what the flags say of it."""
        return Labelled(source, self.label_from, self.task)


AS_LAID_OUT = SourceFlags()
