"""`regraft backbones`."""

from typing import Annotated, Any

from cyclopts import Parameter

from regraft.cli.output import print_json
from regraft.core.errors import RecipeError

COLUMNS = {
    "name": "name",
    "family": "family",
    "width": "width",
    "image_px": "px",
    "parameters_m": "params M",
    "multiply_adds_g": "MACs G",
    "here": "here",
    "kind": "kind",
    "licence": "licence",
    "pretrained_on": "pretrained on",
}
"""The columns that a terminal has room for, and how they are headed. `--json` has them all."""

FOOTER = """Any other network: timm:ARCHITECTURE[.TAG][@FILE], torchvision:ARCHITECTURE[.WEIGHTS][@FILE],
hub:OWNER/ID, file:ARCHITECTURE@FILE, onnx:FILE, run:FOLDER.
Behind any name: a size (:96px) and a precision (:int8, :bf16, :fp16)."""


def backbones(
    name: str | None = None,
    /,
    *,
    sort: str | None = None,
    family: str | None = None,
    here: Annotated[bool, Parameter(negative=())] = False,
    measure: Annotated[bool, Parameter(negative=())] = False,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """List the pretrained networks, or load one and describe it.

    Args:
        name: a short name such as resnet50, or where weights are: timm:ARCHITECTURE@FILE, run:FOLDER, ...
        sort: sort the list by this column, such as parameters_m, multiply_adds_g, width, licence.
        family: list only this family, such as ResNet or ViT.
        here: list only networks whose weights are on this machine.
        measure: time this one network here: images per second, latency, memory, size on disk.
        json: print one JSON object instead of text.
    """
    from regraft.pipeline import describe_backbone, list_backbones

    if measure and name is None:
        raise RecipeError("--measure takes one network: name it, as in 'regraft backbones lite0 --measure'.")
    if name is None:
        found = list_backbones(sort=sort, family=family, here=here)
    else:
        found = describe_backbone(name, measured=measure)
    if json:
        print_json(found)
    elif name is None:
        print_table(found["backbones"])
        print(FOOTER)
    else:
        stages = ", ".join(f"{stage['name']} ({stage['width']})" for stage in found.get("stages", ()))
        for key, value in {**found, **({"stages": stages} if stages else {})}.items():
            print(f"{key:16} {value}")
        if found.get("here") is False:
            print(
                f"The weights are not on this machine; 'regraft fit FOLDER --backbones {name}' fetches them."
            )


def print_table(rows: list[dict[str, Any]]) -> None:
    """One line for each row, columns as wide as what stands in them, numbers to the right."""
    cells = [[_cell(row[column]) for column in COLUMNS] for row in rows]
    lines = [list(COLUMNS.values()), *cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    is_number = [isinstance(rows[0][column], (int, float)) if rows else False for column in COLUMNS]
    for line in lines:
        shown = [
            cell.rjust(width) if right else cell.ljust(width)
            for cell, width, right in zip(line, widths, is_number, strict=True)
        ]
        print("  ".join(shown).rstrip())


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else ""
    return f"{value:.3g}" if isinstance(value, float) else str(value)
