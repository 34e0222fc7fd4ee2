"""`regraft embed`."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from regraft.cli.output import print_json
from regraft.cli.sources import AS_LAID_OUT, SourceFlags


def embed(
    source: Path,
    /,
    *,
    out: Path,
    backbones: str = "lite0",
    depths: Literal["last", "all", "grid"] = "last",
    labels: SourceFlags = AS_LAID_OUT,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Write the features of labelled images: a NumPy .npz with features, labels, classes, paths and groups.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        out: the .npz file to write. It holds plain arrays; load it with allow_pickle=False.
        backbones: networks separated by commas; their features stand side by side.
        depths: the last stage; all stages; all stages, and on a 2 x 2 grid.
        labels: where the labels are written.
        json: print one JSON object instead of text.
    """
    from regraft import pipeline

    found = pipeline.embed(labels.of(source), out, backbones=tuple(backbones.split(",")), depths=depths)
    if json:
        print_json(found)
    else:
        print(f"{found['images']:,} x {found['width']:,} features in {found['file']}")
