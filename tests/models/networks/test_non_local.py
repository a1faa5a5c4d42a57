import torch
import torch.nn.functional as F
from torch import Tensor

from models.networks.non_local import NonLocalBlock
from tests.models.conftest import give_gain


def literal(block: NonLocalBlock, clip: Tensor) -> Tensor:
    """The block on one clip (C, T, H, W) as published: 3-D layers and the whole affinity matrix."""

    def conv3d(conv: torch.nn.Conv2d, x: Tensor) -> Tensor:
        return F.conv3d(x[None], conv.weight[:, :, None], conv.bias)[0]

    def flat(x: Tensor) -> Tensor:
        return x.flatten(1).T  # (D, T, h, w) -> (Thw, D)

    theta = flat(conv3d(block.theta, clip))
    phi = flat(F.max_pool3d(conv3d(block.phi, clip), (1, 2, 2)))
    g = flat(F.max_pool3d(conv3d(block.g, clip), (1, 2, 2)))
    affinity = (theta @ phi.T).softmax(dim=1)
    y = (affinity @ g).T.reshape(-1, *clip.shape[1:])
    w = conv3d(block.out, y)
    norm = block.norm
    assert norm.running_mean is not None
    assert norm.running_var is not None
    scaled = F.batch_norm(w[None], norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps)
    return clip + scaled[0]


def make(channels: int = 16) -> NonLocalBlock:
    generator = torch.Generator().manual_seed(3)
    block = NonLocalBlock(channels)
    block.initialise(generator)
    give_gain(block, generator)
    return block.eval()


def test_a_new_block_is_exactly_the_identity() -> None:
    x = torch.randn(6, 16, 8, 4)
    block = NonLocalBlock(16)
    assert torch.equal(block(x, [4, 2]), x)
    assert torch.equal(block.eval()(x, [4, 2]), x)


def test_packed_clips_equal_the_literal_form() -> None:
    block = make()
    lengths = [5, 1, 3]
    x = torch.randn(9, 16, 8, 4, generator=torch.Generator().manual_seed(0))
    packed = torch.split(block(x, lengths), lengths)
    for frames, clip in zip(packed, torch.split(x, lengths), strict=True):
        expected = literal(block, clip.transpose(0, 1)).transpose(0, 1)  # (C, T, H, W) -> (T, C, H, W)
        assert (frames - expected).abs().max() < 1e-5
    assert (block(x, lengths) - x).abs().max() > 0.1


def test_odd_sizes_lose_the_last_row_and_column_of_keys_only() -> None:
    block = make()
    x = torch.randn(3, 16, 7, 5, generator=torch.Generator().manual_seed(0))
    expected = literal(block, x.transpose(0, 1)).transpose(0, 1)
    assert (block(x, [3]) - expected).abs().max() < 1e-5


def test_training_statistics_are_those_of_a_3d_norm() -> None:
    """Batch normalisation over packed frames is batch normalisation over (N, T, H, W) of equal clips."""
    block = make().train()
    x = torch.randn(6, 16, 8, 4, generator=torch.Generator().manual_seed(0))
    packed = block(x, [3, 3])
    block.norm.eval()
    block.norm.weight.data.fill_(1)
    block.norm.bias.data.zero_()
    block.norm.running_mean = torch.zeros(16)
    block.norm.running_var = torch.ones(16) - block.norm.eps
    raw = torch.stack(
        [literal(block, clip.transpose(0, 1)) - clip.transpose(0, 1) for clip in torch.split(x, 3)]
    )
    reference = make()
    norm = torch.nn.BatchNorm3d(16).train()
    norm.load_state_dict(reference.norm.state_dict())
    expected = x.view(2, 3, *x.shape[1:]) + norm(raw).transpose(1, 2)  # (N, C, T, H, W) -> (N, T, C, H, W)
    assert (packed.view(2, 3, *x.shape[1:]) - expected).abs().max() < 1e-4


def test_initial_spread_is_that_of_the_published_code() -> None:
    block = NonLocalBlock(512)
    assert abs(block.theta.weight.std().item() - (2 / 256) ** 0.5) < 2e-3
    assert abs(block.out.weight.std().item() - (2 / 512) ** 0.5) < 2e-3
    for conv in (block.theta, block.phi, block.g, block.out):
        assert conv.bias is not None
        assert not conv.bias.any()


def test_gradients_reach_every_weight_once_the_gain_is_not_zero() -> None:
    block = make().train()
    block(torch.randn(4, 16, 8, 4), [4]).square().sum().backward()
    for name, parameter in block.named_parameters():
        # What a bias adds equally to all keys or values, the softmax or the normalisation takes out again.
        if name not in {"out.bias", "phi.bias", "g.bias"}:
            assert parameter.grad is not None
            assert parameter.grad.abs().max() > 1e-6, name
