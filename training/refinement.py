"""The learned part of nano's decoder: a few convolutions near the picture's own resolution (docs/nano-model.md "Decoder").

What the latents' block transform cannot do cheaply, filtering alike at every pixel, is done here, in luma: from the source's (the upsampled clip) and
that of the change that the latents ask for, a further change. `width` and `depth` at half the picture's size: training/cost.py has the bill.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.latents import LUMA



def luma(rgb: Tensor) -> Tensor:
    """[N,3,H,W] → [N,1,H,W]."""
    r, g, b = (rgb[:, c:c + 1] * float(weight) for c, weight in enumerate(LUMA))
    return r + g + b


class Refinement(nn.Module):
    def __init__(self, width: int, depth: int):
        super().__init__()
        self.enter = nn.Conv2d(2, width, 6, stride=2, padding=2)
        self.layers = nn.ModuleList([nn.Conv2d(width, width, 3, padding=1) for _ in range(depth)])
        self.condition = nn.Linear(2, width * (depth + 1))
        self.leave = nn.Conv2d(width, 4, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, source: Tensor, change: Tensor, conditioning: Tensor) -> Tensor:
        """source (RGB, −1…1), change [N,3,H,W], conditioning [N,2] of `conditioning` below → a further change of all colours [N,1,H,W]."""
        biases = self.condition(conditioning)[:, :, None, None].chunk(len(self.layers) + 1, 1)
        planes = torch.cat([luma(source), luma(change)], 1).contiguous(memory_format=torch.channels_last)
        x = F.relu(self.enter(planes) + biases[0])
        y = x
        for layer, bias in zip(self.layers, biases[1:]):
            y = F.relu(layer(y) + bias)
        return F.pixel_shuffle(self.leave(x + y), 2)


def conditioning(scale: Tensor, strength: Tensor) -> Tensor:
    """Scale [N], strength [N] → [N,2], both about 0…1."""
    return torch.stack([scale.log() / math.log(8), strength], 1)
