"""Perceptrons against scikit-learn's, and their layers against torch's."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

from regraft.heads import Perceptron
from regraft.heads.layers import ACTIVATIONS, activate

TORCH = {
    "relu": torch.nn.ReLU(),
    "gelu": torch.nn.GELU(approximate="tanh"),
    "silu": torch.nn.SiLU(),
    "tanh": torch.nn.Tanh(),
}


def digits():
    bunch = load_digits()
    return bunch.data.astype(np.float32), bunch.target


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_torchs(name):
    inputs = np.linspace(-30, 30, 400, dtype=np.float32)[:, None]
    np.testing.assert_allclose(
        activate(inputs, name), TORCH[name](torch.from_numpy(inputs)).numpy(), atol=2e-6, rtol=1e-5
    )


@pytest.mark.parametrize("layers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_no_less_accurate_than_scikit_learns(layers):
    features, labels = digits()
    trained, unseen = slice(0, 800), slice(800, None)
    theirs = MLPClassifier([256] * layers, alpha=1e-2, max_iter=60, random_state=0, early_stopping=True)
    scaler = StandardScaler().fit(features[trained])
    theirs.fit(scaler.transform(features[trained]), labels[trained])
    ours = Perceptron(layers=layers, epochs=40).fit(features[trained], labels[trained], class_count=10)
    right = (ours.scores(features[unseen]).argmax(1) == labels[unseen]).mean()
    assert right > theirs.score(scaler.transform(features[unseen]), labels[unseen]) - 0.01
    assert right > 0.9
