"""What every test shares: shape checks at run time, a cache of its own, small folders of images."""

import collections
import functools
import os
import sys
import types
from pathlib import Path

import jaxtyping
import numpy as np
import PIL.Image
import pytest

FIRST_CALLS, ONE_IN = 3, 50
calls: collections.Counter[types.CodeType] = collections.Counter()


def sparing(*, typechecker):
    """The decorator that jaxtyping's import hook puts on everything, for first calls and some later ones.

    Checking every call, and preparing that anew for every closure, took as long as what was tested. A
    closure made later is not checked at all.
    """
    check = every_call(typechecker=typechecker)

    def decorate(checkable):
        if not isinstance(checkable, types.FunctionType):
            return check(checkable)
        checked = None

        @functools.wraps(checkable)
        def called(*args, **kwargs):
            nonlocal checked
            calls[checkable.__code__] += 1
            count = calls[checkable.__code__]
            if count > FIRST_CALLS and (count % ONE_IN or checked is None):
                return checkable(*args, **kwargs)
            checked = checked or check(checkable)
            return checked(*args, **kwargs)

        return called

    return decorate


# Before the package is imported: signatures are then checked when they are called. Integers will do for
# floats, as type checkers have it.
assert "regraft" not in sys.modules, "the shape checks must be installed before regraft is imported"
every_call, jaxtyping.jaxtyped = jaxtyping.jaxtyped, sparing
jaxtyping.install_import_hook(
    "regraft", "beartype.beartype(conf=beartype.BeartypeConf(is_pep484_tower=True))"
)

# Small networks gain nothing from a second thread, and beside another busy process its threads would only
# wait for each other. Torch reads this when it is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session", autouse=True)
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache for the whole run, never the user's own. Workers share it, so a network is converted once.

    Two workers may convert the same network at the same time; the product allows that.
    """
    run_folder = tmp_path_factory.getbasetemp()
    root = run_folder.parent if "PYTEST_XDIST_WORKER" in os.environ else run_folder
    cache = root / "regraft-cache"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REGRAFT_CACHE", str(cache))
        yield cache


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that nothing was put into, for one test alone."""
    cache = tmp_path / "cache"
    monkeypatch.setenv("REGRAFT_CACHE", str(cache))
    return cache


@pytest.fixture(scope="session")
def image_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made images in one folder per class: 14 stripes, 13 discs, 13 gradients, of several sizes and formats.

    Read it only.
    """
    root = tmp_path_factory.mktemp("image_folder")
    random = np.random.default_rng(0)
    for index in range(40):
        name, draw = (("stripes", _stripes), ("discs", _disc), ("gradients", _gradient))[index % 3]
        height, width = random.integers(40, 90, size=2)
        pixels = draw(random, int(height), int(width)) + random.normal(0, 8, (height, width, 3))
        image = PIL.Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        (root / name).mkdir(exist_ok=True)
        image.save(root / name / f"{index:02}.{'jpg' if index % 2 else 'png'}")
    return root


@pytest.fixture(scope="session")
def digits_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """300 of scikit-learn's handwritten digits as PNG files of 32 by 32 pixels, in ten folders. Read only."""
    from sklearn.datasets import load_digits

    root = tmp_path_factory.mktemp("digits_folder")
    digits = load_digits()
    for index in range(300):
        folder = root / str(digits.target[index])
        folder.mkdir(exist_ok=True)
        pixels = (255 - digits.images[index] * 15.9).astype(np.uint8)
        PIL.Image.fromarray(pixels).resize((32, 32)).save(folder / f"{index:03}.png")
    return root


def _stripes(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    period, colour = random.integers(4, 12), random.uniform(60, 255, 3)
    return ((np.arange(width) // period % 2)[None, :, None] * colour).repeat(height, axis=0)


def _disc(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    rows, columns = np.mgrid[:height, :width]
    centre = random.uniform(0.3, 0.7, 2) * (height, width)
    inside = np.hypot(rows - centre[0], columns - centre[1]) < 0.3 * min(height, width)
    return np.where(inside[:, :, None], random.uniform(120, 255, 3), random.uniform(0, 80, 3))


def _gradient(random: np.random.Generator, height: int, width: int) -> np.ndarray:
    return np.linspace(0, 1, height)[:, None, None] * random.uniform(80, 255, 3) * np.ones((1, width, 1))
