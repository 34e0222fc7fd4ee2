"""`regraft backbones`."""

from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json


def backbones(name: str | None = None, /, *, json: Annotated[bool, Parameter(negative=())] = False) -> None:
    """List the networks that work without the internet, or load one and describe it.

    Args:
        name: lite0, lite1, lite2, timm:ARCHITECTURE, or timm:ARCHITECTURE@WEIGHTS_FILE.
        json: print one JSON object instead of text.
    """
    from regraft.pipeline import describe_backbone, list_backbones

    found = list_backbones() if name is None else describe_backbone(name)
    if json:
        print_json(found)
    elif name is None:
        for row in found["backbones"]:
            print(f"{row['name']:8} {row['architecture']:24} {row['licence']:12} {row['pretrained_on']}")
        print("Any timm network: timm:ARCHITECTURE (weights from the hub) or timm:ARCHITECTURE@FILE.")
    else:
        stages = ", ".join(f"{stage['name']} ({stage['width']})" for stage in found["stages"])
        for key, value in {**found, "stages": stages}.items():
            print(f"{key:16} {value}")
