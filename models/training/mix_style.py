"""MixStyle: inside the backbone, crops borrow each other's style while a network trains.

Zhou et al., "Domain Generalization with MixStyle", ICLR 2021, equations 3 to 6, with a random partner. Means
and deviations of feature channels tell of camera and light more than of the person, so mixing them shows the
same people under cameras that do not exist.
"""

import torch
from pydantic import Field
from torch import Tensor, nn

from models.errors import BadRecipe
from models.training.plan import Section, Share


class MixStyle(Section):
    """After which blocks of the image branch styles are mixed, how often and how far; () for none."""

    after: tuple[int, ...] = Field((), strict=False, description="blocks")
    probability: Share = 0.5
    alpha: float = Field(0.1, gt=0, description="of the Beta distribution of shares")


class StyleMixer(nn.Module):
    """Mixes the statistics of clips after some blocks of a backbone, in training mode only.

    It draws from torch's generator of the CPU, which training seeds with every batch.

    Args:
        settings: after which blocks, how often and how far.

    Attributes:
        frames: of each clip; all frames of a clip borrow from the same one, frame by frame, as a style that
            changed from frame to frame would teach a video network that people flicker.
    """

    def __init__(self, settings: MixStyle) -> None:
        super().__init__()
        self.settings = settings
        self.frames = 1

    def attach(self, blocks: nn.ModuleList) -> None:
        """Mix after the named blocks of this backbone. Raises BadRecipe if it has no such block."""
        for number in self.settings.after:
            if not 0 <= number < len(blocks):
                raise BadRecipe(f"mix_style.after: a block from 0 to {len(blocks) - 1}, not {number}")
            blocks[number].register_forward_hook(self._after)

    def _after(self, block: nn.Module, inputs: tuple[Tensor, ...], maps: Tensor) -> Tensor:  # noqa: ARG002
        return self(maps)  # type: ignore[no-any-return]

    def forward(self, maps: Tensor) -> Tensor:
        """(N T, C, h, w) -> the same."""
        if not self.training or not torch.is_grad_enabled() or torch.rand(()) >= self.settings.probability:
            return maps
        clips = maps.view(-1, self.frames, *maps.shape[1:]).float()  # (N T, C, h, w) -> (N, T, C, h, w)
        mean = clips.mean(dim=(3, 4), keepdim=True).detach()
        deviation = (clips.var(dim=(3, 4), keepdim=True) + 1e-6).sqrt().detach()
        count, alpha = len(clips), torch.tensor(self.settings.alpha)
        drawn: Tensor = torch.distributions.Beta(alpha, alpha).sample((count, 1, 1, 1, 1))
        share = drawn.to(maps.device)
        partner = torch.randperm(count).to(maps.device)
        new_mean = share * mean + (1 - share) * mean[partner]
        new_deviation = share * deviation + (1 - share) * deviation[partner]
        mixed = (clips - mean) / deviation * new_deviation + new_mean
        return mixed.flatten(0, 1).to(maps.dtype).contiguous(memory_format=torch.channels_last)
