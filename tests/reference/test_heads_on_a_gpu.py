"""Heads trained on a GPU, a pretended one: what they come to on the processor, by operators that CUDA has."""

import numpy as np
import pytest
import torch
from tests.pretend_gpu import has_cuda_kernel, pretended_gpu
from tests.reference.test_heads_population import MEMBERS, overlapping

from regraft.heads import Examples, Perceptron, Schedule, TrainedLinear, train_population
from regraft.heads.gram_block import GramBlock
from regraft.heads.together import held_out_together

FOLDS = np.arange(150) % 2
SOME = ("plain with decay", "nesterov", "adamw", "rmsprop", "mixup", "noise", "contrast", "dropout")
SOME += ("hidden", "hidden, adamw", "hidden, rmsprop")


@pytest.fixture(autouse=True)
def on_the_processor(monkeypatch):
    """Heads that take a GPU where there is one do so only where one is pretended."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def require_kernels(operators):
    assert len(operators) > 10
    if torch.version.cuda:
        assert not [each.name() for each in operators if not has_cuda_kernel(each)]


@pytest.mark.parametrize(
    ("width", "members"),
    [(20, [MEMBERS[name] for name in SOME]), (200, [MEMBERS["sgd"]] * 20 + [MEMBERS["sgd with decay"]])],
)
def test_a_population(width, members, monkeypatch):
    features, labels = overlapping(width=width)
    weights = np.linspace(0.5, 2, len(labels)).astype(np.float32)
    examples = Examples(features, labels, 5, FOLDS, weights)
    schedule = Schedule(2, halvings=(1,))
    known = train_population(members, examples, schedule=schedule)
    in_products = []
    read = GramBlock._read
    monkeypatch.setattr(GramBlock, "_read", lambda self, at: in_products.append(at) or read(self, at))
    with pretended_gpu(monkeypatch) as operators:
        there = train_population(members, examples, schedule=schedule, device="cuda")
    require_kernels(operators)
    assert bool(in_products) == (width > len(labels))
    np.testing.assert_array_equal(there.ranking, known.ranking)
    np.testing.assert_allclose(there.losses, known.losses, rtol=1e-4)
    np.testing.assert_allclose(
        there.held_out(there.best, features), known.held_out(known.best, features), atol=1e-4
    )


def test_heads_of_a_search(monkeypatch):
    features, labels = overlapping()
    heads = [
        TrainedLinear(learning_rate=rate, width=width, epochs=4) for rate in (0.003, 0.03) for width in (0, 8)
    ]
    given = (heads, features, labels)
    known = held_out_together(*given, class_count=4, rounds=(FOLDS,))
    with pretended_gpu(monkeypatch) as operators:
        there = held_out_together(*given, class_count=4, rounds=(FOLDS,))
    require_kernels(operators)
    assert [each.state for each in there] == [each.state for each in known]
    for one, other in zip(there, known, strict=True):
        np.testing.assert_allclose(one.losses, other.losses, rtol=1e-4)


@pytest.mark.parametrize(
    "head",
    [
        TrainedLinear(epochs=5, dropout=0.2),
        TrainedLinear(epochs=5, width=16, optimizer="rmsprop", learning_rate=0.003),
        Perceptron(width=16, layers=2, epochs=2),
        Perceptron(width=16, batch_norm=False, activation="gelu", smoothing=0.1, epochs=5),
    ],
)
def test_a_head_alone(head, monkeypatch):
    features, labels = overlapping()
    known = head.fit(features, labels, class_count=5)
    with pretended_gpu(monkeypatch) as operators:
        there = head.fit(features, labels, class_count=5)
    require_kernels(operators)
    np.testing.assert_allclose(there.scores(features), known.scores(features), rtol=1e-3, atol=1e-3)


def test_the_pretended_gpu_keeps_devices_apart(monkeypatch):
    with pretended_gpu(monkeypatch) as operators:
        here, there = torch.ones(2, 3), torch.ones(2, 3, device="cuda")
        with pytest.raises(RuntimeError, match="same device"):
            there + here
        with pytest.raises(RuntimeError, match="same device"):
            torch.mm(there, here.T)
        with pytest.raises(RuntimeError, match="same device"):
            here[there.long()]
        with pytest.raises(TypeError, match="numpy"):
            there.numpy()
        assert (there + torch.tensor(1.0))[torch.tensor([1])].cpu().tolist() == [[2, 2, 2]]
        assert there.device.type == (there * 2).sum().device.type == "cuda"
    if torch.version.cuda:
        assert all(map(has_cuda_kernel, operators))
        assert not has_cuda_kernel(torch.ops.aten.mkldnn_linear.default)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_population_on_a_real_one():
    features, labels = overlapping()
    examples, members = Examples(features, labels, 4, FOLDS), [*MEMBERS.values()]
    known = train_population(members, examples, schedule=Schedule(3))
    there = train_population(members, examples, schedule=Schedule(3), device="cuda")
    np.testing.assert_allclose(there.losses, known.losses, rtol=1e-2)
