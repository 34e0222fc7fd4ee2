import numpy as np
import pytest
import torch

from regraft.backbones import load
from regraft.backbones.lenet import lenet5
from regraft.backbones.sources import build, identify
from regraft.core.errors import BackboneError


def test_random_weights_are_said_to_be_random_and_are_always_the_same() -> None:
    torch.manual_seed(7)
    network, card = build(identify("scratch:lenet5"))
    torch.manual_seed(8)
    before = torch.random.get_rng_state()
    again, other = build(identify("lenet5"))
    assert torch.equal(before, torch.random.get_rng_state())
    assert card.pretrained_on == "nothing (random weights)"
    assert card.sha256 == other.sha256
    assert all(map(torch.equal, network.state_dict().values(), again.state_dict().values()))


def test_its_layers_are_those_of_1998() -> None:
    # 156, 2,416 (every map reads all six here), 48,120, 10,164 and 850 weights.
    sizes = [sum(p.numel() for p in m.parameters()) for m in lenet5().modules() if not list(m.children())]
    assert [size for size in sizes if size] == [456, 2416, 48120, 10164, 850]
    assert lenet5(3)(torch.zeros(2, 3, 32, 32)).shape == (2, 3)


def test_it_embeds() -> None:
    backbone = load("scratch:lenet5", runtime="torch")
    assert [stage.width for stage in backbone.card.stages] == [6, 16, 120, 84]
    assert np.isfinite(backbone.embed(np.zeros((1, 32, 32, 3), np.uint8))).all()


@pytest.mark.parametrize("name", ["scratch:resnet50", "scratch:"])
def test_no_other_network_is_had_with_random_weights(name: str) -> None:
    with pytest.raises(BackboneError, match="with random weights"):
        identify(name)
