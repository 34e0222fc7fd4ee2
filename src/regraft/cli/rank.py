"""`regraft rank`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from regraft.cli.output import print_json
from regraft.cli.sources import AS_LAID_OUT, SourceFlags
from regraft.pipeline.ranking.limits import Limits
from regraft.pipeline.recipe import Together


@Parameter(name="*")
class LimitFlags(Limits):
    """What a deployment allows."""


NO_LIMITS = LimitFlags()


def rank(  # noqa: PLR0913 - one for each flag
    source: Path,
    /,
    *names: str,
    budget: str = "5m",
    limits: LimitFlags = NO_LIMITS,
    page: Path | None = None,
    seed: int = 0,
    together: Together = "auto",
    labels: SourceFlags = AS_LAID_OUT,
    json: Annotated[bool, Parameter(negative=())] = False,
) -> None:
    """Compare pretrained networks on labelled images, and recommend one to start from.

    Args:
        source: labelled images, laid out as for `regraft fit`.
        names: networks, such as lite0, lite0:96px or timm:resnet18@WEIGHTS; by default those on this machine.
        budget: how long it may take, such as 90s or 5m.
        limits: who breaks one does not take part.
        page: an .html file to write as well.
        seed: of the order in which images are looked at.
        together: what is held out together; auto: also near copies; given: groups alone.
        labels: where the labels are written.
        json: print one JSON object instead of text.
    """
    from regraft.core.files import write_bytes
    from regraft.pipeline.audit import check_page
    from regraft.pipeline.rank import rank as rank_networks
    from regraft.report import rank_page, rank_text

    if page is not None:
        check_page(page, source)
    found = rank_networks(
        labels.of(source), names, limits=limits, budget=budget, seed=seed, together=together
    )
    if page is not None:
        write_bytes(page, rank_page(found).encode(errors="backslashreplace"))
    if json:
        print_json(found)
    else:
        print(rank_text(found))
