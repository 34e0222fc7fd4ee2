"""Fine-tuning by the rule of thumb (BiT-HyperRule), and what it saves to compute the fixed part once.

Every data set, at most 1,000 images: ridge on all depths of lite0, and the same after its last stage (a
convolution of 320 to 1,280) was trained from that solution by `hyper_rule`, nothing tuned. Both are fitted to
the images for learning and judged on the test part, through the runtime that predicts. And steps of training
the last one or two stages timed against those of an ordinary loop, which sends every image through the whole
network.
"""

import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from benchmarks.accuracy import small_table
from benchmarks.ratios import in_turns, mean_difference, ratio_of_medians
from benchmarks.search_task import NETWORK
from regraft import Recipe
from regraft.backbones.depths import HEAD, Depths, pooled
from regraft.backbones.freezing import freeze
from regraft.backbones.sources import build, identify
from regraft.backbones.tail import stages_by_module
from regraft.data import read_table
from regraft.features import FeatureStore
from regraft.heads import Ridge, accuracy
from regraft.heads.selection import tempered_log_loss
from regraft.pipeline.account import predict_part
from regraft.pipeline.budget import Budget
from regraft.pipeline.climb import Climb
from regraft.pipeline.finetuning import FineTuning
from regraft.pipeline.fit import begin, in_random_order
from regraft.pipeline.model import Model
from regraft.pipeline.trunk import Trunk
from regraft.training import hyper_rule
from regraft.training.descent import restored, train

STAGES, TIMED_STAGES, REPETITIONS, TIMED = (1,), (1, 2), 3, 2
RECIPE = Recipe((NETWORK,), "all", "depth", Ridge())


def run(data: Path | None, quick: bool) -> dict[str, Any]:
    """One row per data set, and the times of steps on the first."""
    if data is None:
        return {"skipped": "needs the data sets"}
    rows, times = [], {}
    sets = sorted(path for path in data.iterdir() if path.is_dir())
    for source in sets[:1] if quick else sets:
        with tempfile.TemporaryDirectory() as folder:
            climb = _begun(source, Path(folder))
            times = times or {stages: _times(climb, stages, quick=quick) for stages in TIMED_STAGES}
            rows.append({"set": source.name, **_row(climb, quick=quick)})
        print("   ", rows[-1], flush=True)
    return {"network": NETWORK, "times as fast as the whole network": times, **_summary(rows), "rows": rows}


def _begun(source: Path, folder: Path) -> Climb:
    trunk = Trunk(in_random_order(read_table(small_table(source, folder))), FeatureStore(folder), "auto")
    return begin(RECIPE, trunk, Budget(3600.0))[0]


def _row(climb: Climb, *, quick: bool) -> dict[str, Any]:
    test = climb.trunk.images.part("test")
    alone = climb.attempt(RECIPE)
    row: dict[str, Any] = {"learnt from": len(climb.dataset), "test": len(test)}
    row |= _judged("frozen", climb, alone.model)
    for stages in STAGES:
        settings = hyper_rule(len(climb.dataset), stages=stages)
        settings = replace(settings, steps=20) if quick else settings
        started = time.perf_counter()
        # Held-out scores would take five trainings more, and only calibrate.
        nothing = np.zeros((len(climb.dataset), climb.class_count), np.float32)
        model, _ = FineTuning(climb, replace(RECIPE, finetune=settings)).fit(nothing)
        seconds = time.perf_counter() - started
        row |= {**_judged(str(stages), climb, model), f"{stages} seconds": round(seconds, 1)}
    return row


def _judged(side: str, climb: Climb, model: Model) -> dict[str, float]:
    """Accuracy, and the log-loss at its best temperature: neither side's calibration is in question."""
    test = climb.trunk.images.part("test")
    scores = np.log(np.clip(predict_part(climb.trunk, model, test), 1e-12, 1))
    loss, _ = tempered_log_loss(scores, test.labels)
    return {f"{side} accuracy": accuracy(scores, test.labels), f"{side} loss": loss}


def _times(climb: Climb, stages: int, *, quick: bool) -> dict[str, float]:
    """Seconds of some steps: on what the fixed part handed on, and of a loop over the whole network."""
    settings = hyper_rule(len(climb.dataset), stages=stages)
    job = FineTuning(climb, replace(RECIPE, finetune=settings))
    model, lesson = job.model(job.everything), job.lesson
    px = model.tail.image_px
    images = torch.randint(0, 256, (settings.batch_size, px, px, 3), dtype=torch.uint8)
    loop = _whole_network(images, climb.class_count, stages)

    def ours() -> float:
        with restored(model):
            return _seconds(train(model, lesson, settings))

    found = in_turns({"ours": ours, "whole": lambda: _seconds(loop)}, 1 if quick else REPETITIONS)
    return ratio_of_medians(found["whole"], found["ours"])


def _whole_network(images: torch.Tensor, classes: int, stages: int) -> Iterator[None]:
    """An ordinary loop on one batch of pictures: frozen stages need no gradient, and are computed anew."""
    network, card = build(identify(NETWORK))
    freeze(network, card, until=stages_by_module(card)[-1 - stages][-1])
    network = network.eval().to(memory_format=torch.channels_last)
    names = [stage.name for stage in card.stages]
    maps = [stage.name for stage in card.stages if stage.is_map]
    reader = Depths(network, [name for name in names if name != HEAD])
    width = sum(stage.width for stage in card.stages)
    head, labels = torch.nn.Linear(width, classes), torch.arange(len(images)) % classes
    wanted = [one for one in [*network.parameters(), *head.parameters()] if one.requires_grad]
    optimizer = torch.optim.SGD(wanted, 0.003, 0.9)
    mean, std = (255 * torch.tensor(each).view(1, 3, 1, 1) for each in (card.mean, card.std))
    while True:
        pixels = ((images.permute(0, 3, 1, 2).float() - mean) / std).to(memory_format=torch.channels_last)
        scores = head(pooled(reader.activations(pixels), names, maps)[:, :width])
        loss = functional.cross_entropy(scores, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        yield


def _seconds(steps: Iterator[object]) -> float:
    """Of some steps, after one that warms up."""
    next(steps)
    started = time.perf_counter()
    for _ in islice(steps, TIMED):
        pass
    return time.perf_counter() - started


def _summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"n": len(rows)}
    frozen = [row["frozen accuracy"] for row in rows]
    for stages in STAGES:
        own, losses = ([row[f"{stages} {name}"] for row in rows] for name in ("accuracy", "loss"))
        relative = np.divide(losses, [row["frozen loss"] for row in rows])
        found[f"{stages} stages"] = {
            "accuracy gained": mean_difference(own, frozen),
            "log-loss, relative": mean_difference(relative, np.ones(len(rows))),
            "sets of lower log-loss": int((relative < 1).sum()),
            "median seconds": float(np.median([row[f"{stages} seconds"] for row in rows])),
        }
    return found
