"""The learned part of nano's decoder: a few convolutions near the picture's own resolution (docs/nano-model.md "Decoder").

What the latents' block transform cannot do cheaply, filtering alike at every pixel, is done here: from the source (the upsampled clip) to what is to be
added to it, luma at every pixel and two colour differences for every four, as video has them. `width` and `near` (convolutions, as many before as after) at
half the picture's size, `inner` and `depth` at a quarter of it: training/cost.py has the bill.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.latents import LUMA

CB, CR = (0.0, -0.344136, 1.772), (1.402, -0.714136, 0.0)  # what blue's and red's difference (BT.601) add to red, green and blue
SLOPE = 0.1  # below zero: layers whose activation is flat there died in training and never came back (docs/nano.md)


def luma(rgb: Tensor) -> Tensor:
    """[N,3,H,W] → [N,1,H,W]."""
    r, g, b = (rgb[:, c:c + 1] * float(weight) for c, weight in enumerate(LUMA))
    return r + g + b


def spread() -> Tensor:
    """[6,3,2,2], a transposed convolution's: luma of four pixels and their common colour differences → red, green and blue of the four."""
    luma_of_each = torch.eye(4).view(4, 1, 2, 2).expand(4, 3, 2, 2)
    return torch.cat([luma_of_each, torch.tensor([CB, CR])[:, :, None, None].expand(2, 3, 2, 2)]).contiguous()


class Refinement(nn.Module):
    def __init__(self, width: int, near: int, inner: int, depth: int):
        super().__init__()
        self.sizes = [width] * (1 + near) + [inner] * (1 + depth) + [width] * near
        stack = lambda channels, count: nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1) for _ in range(count)])
        self.enter = nn.Conv2d(1, width, 6, stride=2, padding=2)
        self.tint = nn.Conv2d(3, width, 2, stride=2, bias=False)
        self.down = nn.Conv2d(width, inner, 4, stride=2, padding=1)
        self.before, self.layers, self.after = stack(width, near), stack(inner, depth), stack(width, near)
        self.up = nn.ConvTranspose2d(inner, width, 2, stride=2, bias=False)
        self.condition = nn.Linear(2, sum(self.sizes))
        self.leave = nn.Conv2d(width, 6, 3, padding=1)
        self.register_buffer("spread", spread(), persistent=False)
        for layer in (*self.before, *self.layers, *self.after):
            nn.init.kaiming_normal_(layer.weight, SLOPE)
            nn.init.zeros_(layer.bias)
        nn.init.zeros_(self.tint.weight)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)

    def forward(self, source: Tensor, conditioning: Tensor) -> Tensor:
        """source [N,3,H,W] (RGB, −1…1, sides multiples of 4), conditioning [N,2] of `conditioning` below → what to add to it [N,3,H,W]."""
        biases = iter(self.condition(conditioning)[:, :, None, None].split(self.sizes, 1))
        activated = lambda y: F.leaky_relu(y + next(biases), SLOPE)
        nhwc = lambda y: y.contiguous(memory_format=torch.channels_last)
        x = entered = activated(self.enter(nhwc(luma(source))) + self.tint(nhwc(source)))
        for layer in self.before:
            x = activated(layer(x))
        y = coarse = activated(self.down(x))
        for layer in self.layers:
            y = activated(layer(y))
        x = x + self.up(coarse + y)
        for layer in self.after:
            x = activated(layer(x))
        return F.conv_transpose2d(self.leave(entered + x).float(), self.spread, stride=2)


def conditioning(scale: Tensor, strength: Tensor) -> Tensor:
    """Scale [N], strength [N] → [N,2], both about 0…1."""
    return torch.stack([scale.log() / math.log(8), strength], 1)
