"""A saved regraft run as a backbone: a network that knows a task already."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from regraft.backbones.card import Card
from regraft.backbones.names import moved
from regraft.backbones.source import Intake, Made, Source
from regraft.core.arrays import Array
from regraft.core.artifact import read_artifact
from regraft.core.errors import ArtifactError, BackboneError, RecipeError
from regraft.core.hashing import sha256_of_file
from regraft.core.settings import from_plain

RUN = "run:"
LINEAR = "linear"


def identify_run(rest: str) -> Source:
    """`FOLDER`: what `regraft fit` wrote, or the model in it.

    Raises:
        BackboneError: there is no model, or it is damaged.
    """
    folder = Path(rest).expanduser().resolve()
    file, settings, _ = _read(folder)
    card = _card(settings, file)
    return Source(f"{RUN}{folder}", card.architecture, file, sha256_of_file(file), origin="run")


def make_run(source: Source) -> Made:
    """The run's network, with the run's own classifier on it.

    Raises:
        BackboneError: the network cannot be had or is another than the run's, or the run has several
            networks or a classifier that is not linear.
    """
    import torch

    from regraft.backbones.grafted import CLASSES, Grafted, linear
    from regraft.backbones.sources import build, identify

    assert source.file is not None, "a run is a file"
    file, settings, arrays = _read(source.file.parent)
    card = _card(settings, file)
    network, found = build(identify(card.name))
    if found.sha256 != card.sha256:
        raise BackboneError(
            f"The weights of {card.name} here (SHA-256 {found.sha256[:12]}...) are not those that the run "
            f"{file.parent} was fitted on ({card.sha256[:12]}...)."
        )
    weights, bias = (torch.tensor(array) for array in _classifier(settings, arrays, file))
    parts = found.columns(settings["recipe"].get("depths") or "grid")
    if sum(part.stop - part.start for part in parts) != len(weights):
        raise BackboneError(f"The classifier in {file} reads other features than {card.name} gives here.")
    grafted = Grafted(network, found, linear(weights, bias), parts)
    shown = Intake(card.image_px, card.crop_fraction, card.interpolation, card.mean, card.std)
    learnt = f"{card.pretrained_on}; then {len(bias)} classes by regraft"
    return Made(grafted, shown, card.licence, learnt, (*grafted.stages, CLASSES))


def class_names(source: Source) -> tuple[str, ...]:
    """The classes that a run tells apart, in the order of its scores."""
    assert source.file is not None, "a run is a file"
    return tuple(_read(source.file.parent)[1]["classes"])


def _read(folder: Path) -> tuple[Path, dict[str, Any], dict[str, Array]]:
    try:
        return read_artifact(folder)
    except ArtifactError as error:
        raise BackboneError(f"{RUN}{folder} is no saved run: {error}") from error


def _card(settings: Mapping[str, Any], file: Path) -> Card:
    """The card of the run's one network."""
    cards = settings.get("cards", ())
    if len(cards) != 1:
        named = " and ".join(str(card.get("name")) for card in cards) or "none"
        raise BackboneError(
            f"The run in {file.parent} has {len(cards)} networks ({named}); a run serves as a backbone only "
            f"where it has one. Name its networks themselves, one by one."
        )
    try:
        card = from_plain(Card, cards[0])
    except RecipeError as error:
        raise BackboneError(f"{file} describes no network: {error}") from error
    # Fine-tuned weights lie beside the model.
    is_tuned = settings["recipe"].get("finetune")
    return replace(card, name=moved(card.name, file.parent)) if is_tuned else card


def _classifier(settings: Mapping[str, Any], arrays: Mapping[str, Array], file: Path) -> tuple[Array, Array]:
    """Weights [d, k] and bias [k] of the class scores, divided by the temperature."""
    if settings.get("classifier") != LINEAR:
        raise BackboneError(
            f"The run in {file.parent} has a {settings.get('classifier')} classifier; a run serves as a "
            f"backbone only where its classifier is linear. Name its network itself."
        )
    try:
        temperature = float(settings["temperature"])
        weights, bias = (arrays[name].astype(np.float32) / temperature for name in ("weights", "bias"))
        if "affine.scale" in arrays:  # Scaling in front of a linear classifier is part of it.
            scaled = arrays["affine.scale"][:, None] * weights
            weights, bias = scaled, bias - arrays["affine.shift"] @ scaled
    except (KeyError, TypeError, ValueError) as error:
        raise BackboneError(f"{file} describes no classifier that can be used ({error}).") from error
    return weights, bias
