"""Stages found in networks that list none."""

import pytest
import torch
from torch import nn

from regraft.backbones.depths import activations_of
from regraft.backbones.layout import Layout, Place, place_of
from regraft.backbones.stages import find_stages, measure_stages


def shrinking() -> nn.Sequential:
    """Four sizes, two convolutions of each, one activation that all share."""
    shared = nn.ReLU()
    layers: list[nn.Module] = []
    for inputs, outputs in ((3, 4), (4, 6), (6, 8), (8, 10)):
        layers += [nn.Conv2d(inputs, outputs, 3, 2, 1), shared, nn.Conv2d(outputs, outputs, 1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(10, 3))


class Tokens(nn.Module):
    """Eight blocks of 16 patches, behind a class token."""

    def __init__(self, *, has_class: bool) -> None:
        super().__init__()
        self.patch = nn.Conv2d(3, 6, 8, 8)
        self.has_class = has_class
        self.blocks = nn.ModuleList(nn.Linear(6, 6) for _ in range(8))
        self.head = nn.Linear(6, 2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        tokens = self.patch(pixels).flatten(2).transpose(1, 2)
        if self.has_class:
            tokens = torch.cat([tokens.mean(1, keepdim=True) + 1, tokens], dim=1)
        for block in self.blocks:
            tokens = block(tokens)
        return self.head(tokens[:, 0] if self.has_class else tokens.mean(1))


class Branches(nn.Module):
    """Every block hands on two resolutions."""

    class Block(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fine, self.coarse = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)

        def forward(self, given: list[torch.Tensor]) -> list[torch.Tensor]:
            return [self.fine(given[0]), self.coarse(given[1])]

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(self.Block() for _ in range(2))
        self.fc = nn.Linear(6, 2)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        given = [pixels, pixels[:, :, ::2, ::2]]
        for block in self.blocks:
            given = block(given)
        return self.fc(torch.cat([one.mean((2, 3)) for one in given], dim=1))


def test_a_network_that_shrinks_is_read_last_at_every_size() -> None:
    network = shrinking().eval()
    names = find_stages(network, 64)
    assert names == ("2", "5", "8", "11")
    stages, multiply_adds = measure_stages(network, names, 64)
    # The last mean is what the classifier reads: the head would repeat it.
    assert [stage.name for stage in stages] == list(names)
    assert [stage.width for stage in stages] == [4, 6, 8, 10]
    pixels = (
        32 * 32 * (27 * 4 + 16) + 16 * 16 * (36 * 6 + 36) + 8 * 8 * (54 * 8 + 64) + 4 * 4 * (72 * 10 + 100)
    )
    assert multiply_adds == pixels + 30


@pytest.mark.parametrize("has_class", [True, False])
def test_a_network_of_one_size_is_read_at_evenly_spaced_blocks(has_class: bool) -> None:
    network = Tokens(has_class=has_class).eval()
    blocks = ["blocks.0", "blocks.1", "blocks.3", "blocks.4", "blocks.6", "blocks.7"]
    both = [name for block in blocks for name in (block, f"{block}:class")]
    assert find_stages(network, 32) == tuple(both if has_class else blocks)
    outputs = activations_of(network, ["blocks.7"], torch.rand(2, 3, 32, 32))
    assert outputs["blocks.7"].shape == (2, 6, 4, 4)


def test_patches_are_laid_out_row_by_row() -> None:
    network = Tokens(has_class=True).eval()
    with torch.no_grad():
        for block in network.blocks:
            block.weight.copy_(torch.eye(6))
            block.bias.zero_()
    pixels = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        outputs = activations_of(network, ["blocks.0", "blocks.0:class"], pixels)
        torch.testing.assert_close(outputs["blocks.0"], network.patch(pixels))
        torch.testing.assert_close(outputs["blocks.0:class"], network.patch(pixels).mean((2, 3)) + 1)


def test_every_branch_is_a_stage() -> None:
    network = Branches().eval()
    assert find_stages(network, 32) == ("blocks.0:0", "blocks.0:1", "blocks.1:0", "blocks.1:1")
    stages, _ = measure_stages(network, find_stages(network, 32), 32)
    assert [stage.name for stage in stages][-1] == "head"


def test_looking_leaves_nothing_behind() -> None:
    network = shrinking().eval()
    measure_stages(network, find_stages(network, 64), 64)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in network.modules())


@pytest.mark.parametrize("stage", ["a.b", "a.b:1", "a.b:class", "a.b:0:class"])
def test_names_of_stages_are_taken_apart_and_put_together(stage: str) -> None:
    assert str(place_of(stage)) == stage
    assert place_of("a:2:class") == Place("a", 2, is_class=True)


def test_axes_in_either_order_become_maps() -> None:
    last, first = torch.zeros(2, 7, 7, 5), torch.zeros(2, 5, 7, 7)
    assert Layout().as_map(last, "x").shape == Layout().as_map(first, "x").shape == (2, 5, 7, 7)
    cube = torch.arange(27.0).reshape(1, 3, 3, 3)
    assert torch.equal(Layout().as_map(cube, "x"), cube)
    assert torch.equal(Layout(is_channels_last=True).as_map(cube, "x"), cube.permute(0, 3, 1, 2))
    assert Layout().as_map(torch.zeros(2, 12, 4), "x").shape == (2, 4)  # tokens in no square
    registers = Layout(prefix_tokens=4, has_class_token=False)
    assert registers.class_token(torch.zeros(2, 20, 5)) is None
    assert registers.as_map(torch.zeros(2, 20, 5), "x").shape == (2, 5, 4, 4)
