"""The files of a saved model: settings as JSON, arrays as safetensors, and nothing that can be executed."""

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from regraft.core.arrays import Array
from regraft.core.errors import ArtifactError
from regraft.core.files import read_json, write_bytes, write_json
from regraft.core.hashing import sha256_of_bytes

FORMAT = 1
SETTINGS_FILE = "model.json"
NETWORK = "network"
MODEL = "model"
"""The folder of a run that holds its model."""


def write_artifact(
    folder: Path, settings: Mapping[str, Any], arrays: Mapping[str, Array], *, beside: Collection[str] = ()
) -> None:
    """Write settings and arrays, replacing those that lie there.

    Args:
        folder: made if need be.
        settings: what goes to JSON.
        arrays: by name.
        beside: names of weights files that `keep_beside` has put there and the settings speak of.

    The JSON comes last and names the arrays by their SHA-256, and only then are older arrays removed:
    whenever the process is killed, the folder holds one whole model, the old one or the new one.

    Raises:
        ArtifactError: the folder cannot be written.
    """
    data = save_arrays({name: np.ascontiguousarray(array) for name, array in arrays.items()})
    sha256 = sha256_of_bytes(data)
    file = _arrays_file(folder, sha256)
    write_bytes(file, data)
    write_json(folder / SETTINGS_FILE, {"format": FORMAT, **settings, "sha256": sha256})
    arrays_files = folder.glob(_arrays_file(folder, "?" * 16).name)
    networks = folder.glob(f"{NETWORK}-{'?' * 16}.safetensors")
    for older in {*arrays_files, *networks} - {file, *(folder / name for name in beside)}:
        older.unlink(missing_ok=True)


def keep_beside(file: Path, folder: Path) -> str:
    """Copy a file of weights to where a model is saved; returns its name there, which tells its content.

    Raises:
        ArtifactError: it cannot be read, or the folder cannot be written.
    """
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"Cannot read the weights {file}: {error.strerror or error}.") from error
    name = f"{NETWORK}-{sha256_of_bytes(data)[:16]}.safetensors"
    if not (folder / name).is_file():
        write_bytes(folder / name, data)
    return name


def read_artifact(folder: Path) -> tuple[Path, dict[str, Any], dict[str, Array]]:
    """The file with the settings, the settings, and the arrays, of a model's folder or a run's.

    Raises:
        ArtifactError: there is no model, a file is damaged, or another version wrote it.
    """
    file = _find(folder)
    settings = read_json(file)
    if not isinstance(settings, dict) or not {"format", "sha256"} <= set(settings):
        raise ArtifactError(f"{file} describes no model. Name the folder that 'regraft fit' wrote.")
    if settings["format"] != FORMAT:
        raise ArtifactError(
            f"{file} is of format {settings['format']!r}; this version of regraft reads format {FORMAT}. "
            f"Use the version that wrote it, or fit again."
        )
    return file, settings, _read_arrays(file.parent, str(settings["sha256"]))


def _find(named: Path) -> Path:
    for folder in (named, named / MODEL):
        if (folder / SETTINGS_FILE).is_file():
            return folder / SETTINGS_FILE
    if not named.exists():
        raise ArtifactError(f"There is no folder {named}. Name the one that 'regraft fit' wrote.")
    raise ArtifactError(
        f"There is no model in {named}: it has no {SETTINGS_FILE}. Name the folder that 'regraft fit' wrote. "
        f"Other formats (.pkl, .pt, .joblib) are not read, since loading them can run code."
    )


def _arrays_file(folder: Path, sha256: str) -> Path:
    return folder / f"model-{Path(sha256).name[:16]}.safetensors"


def _read_arrays(folder: Path, sha256: str) -> dict[str, Array]:
    file = _arrays_file(folder, sha256)
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ArtifactError(f"Cannot read {file}: {error.strerror or error}.") from error
    if sha256_of_bytes(data) != sha256:
        raise ArtifactError(f"{file} is damaged: it is not the file that {SETTINGS_FILE} beside it names.")
    try:
        return load_arrays(data)
    except (SafetensorError, json.JSONDecodeError) as error:
        raise ArtifactError(f"{file} is not a safetensors file ({error}).") from error
