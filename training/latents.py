"""Latents as a block transform and the product's bicubic upsampling (docs/nano-model.md).

The transform: per n×n block, the orthonormal DCT-II of luma (n² channels), then for Cb and Cr the DCT of the
(n/2)×(n/2) means over 2×2 pixels. Encoder and decoder are one strided convolution each; everything is float32.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

# RGB → Y, Cb, Cr and back, for RGB in −1…1.
LUMA = np.array([0.299, 0.587, 0.114])
TO_YCC = np.stack([LUMA, 0.564 * (np.array([0, 0, 1]) - LUMA), 0.713 * (np.array([1, 0, 0]) - LUMA)])
TO_RGB = np.linalg.inv(TO_YCC)


def channels_for(factor: int) -> int:
    return factor * factor * 3 // 2


def dct_matrix(n: int) -> np.ndarray:
    """Orthonormal DCT-II: row u holds cos(π(2x+1)u/2n)·√(2/n), the first row √(1/n)."""
    x = np.arange(n)
    rows = np.cos(math.pi * (2 * x[None] + 1) * x[:, None] / (2 * n)) * math.sqrt(2 / n)
    rows[0] = math.sqrt(1 / n)
    return rows


def _plane_basis(n: int) -> np.ndarray:
    """[n², n, n]: channel n·v+u, v the vertical frequency."""
    d = dct_matrix(n)
    return np.einsum("vy,ux->vuyx", d, d).reshape(n * n, n, n)


@lru_cache(maxsize=None)
def transform_weights(factor: int) -> tuple[Tensor, Tensor]:
    """Encoder [C,3,n,n] (conv2d, stride n) and decoder [C,3,n,n] (conv_transpose2d, stride n), float32."""
    luma = _plane_basis(factor)
    half = _plane_basis(factor // 2)
    repeated = half.repeat(2, axis=1).repeat(2, axis=2)
    planes = [(luma, luma, 0), (repeated / 4, repeated, 1), (repeated / 4, repeated, 2)]
    encoder = np.concatenate([down[:, None] * TO_YCC[i][None, :, None, None] for down, _, i in planes])
    decoder = np.concatenate([up[:, None] * TO_RGB[:, i][None, :, None, None] for _, up, i in planes])
    return torch.from_numpy(encoder).float(), torch.from_numpy(decoder).float()


def encode(frames: Tensor, factor: int) -> Tensor:
    """[N,3,H,W] in −1…1 → raw latents [N,C,H/n,W/n]. In full float32 on a GPU too."""
    with torch.backends.cudnn.flags(allow_tf32=False):
        return F.conv2d(frames, transform_weights(factor)[0].to(frames), stride=factor)


def change(latents: Tensor, source: Tensor, factor: int) -> Tensor:
    """T(latents − E(source)): what the latents want otherwise than the source, in pixels."""
    weights = transform_weights(factor)[1].to(latents)
    with torch.backends.cudnn.flags(allow_tf32=False):
        return F.conv_transpose2d(latents - encode(source, factor), weights, stride=factor)


def decode(latents: Tensor, source: Tensor, factor: int) -> Tensor:
    """source + T(latents − E(source)): what the transform cannot hold comes from the source."""
    return source + change(latents, source, factor)


@lru_cache(maxsize=4096)
def bicubic_matrix(inputs: int, outputs: int) -> Tensor:
    """[outputs, inputs] of Keys' kernel, a = −0.5, half-pixel centres, edge clamp, not antialiased: for upsampling."""
    centre = (np.arange(outputs) + 0.5) * inputs / outputs - 0.5
    first = np.floor(centre).astype(int)
    matrix = np.zeros((outputs, inputs))
    for tap in range(-1, 3):
        d = np.abs(centre - (first + tap))
        weight = np.where(d <= 1, 1.5 * d**3 - 2.5 * d**2 + 1, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2)
        np.add.at(matrix, (np.arange(outputs), np.clip(first + tap, 0, inputs - 1)), np.where(d < 2, weight, 0))
    return torch.from_numpy(matrix).float()


def antialiased_matrix(inputs: int, outputs: int) -> Tensor:
    """[outputs, inputs] of the same kernel stretched over the reduction, as Pillow reduces."""
    stretch = inputs / outputs
    centre = (np.arange(outputs) + 0.5) * stretch
    d = np.abs((np.arange(inputs)[None] + 0.5 - centre[:, None]) / stretch)
    weight = np.where(d < 1, 1.5 * d**3 - 2.5 * d**2 + 1, np.where(d < 2, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2, 0))
    return torch.from_numpy(weight / weight.sum(1, keepdims=True)).float()


def upsample(frames: Tensor, height: int, width: int) -> Tensor:
    """Bicubic to height×width, clamped to the range of frames, −1…1."""
    if frames.shape[-2:] == (height, width):
        return frames
    rows, columns = bicubic_matrix(frames.shape[-2], height), bicubic_matrix(frames.shape[-1], width)
    return (rows.to(frames) @ frames @ columns.to(frames).T).clamp(-1, 1)


def from_bytes(frames: np.ndarray | Tensor) -> Tensor:
    """uint8 [..., H, W, 3] → float [..., 3, H, W] in −1…1."""
    return torch.as_tensor(frames).movedim(-1, -3).float() / 127.5 - 1


def to_bytes(frames: Tensor) -> np.ndarray:
    """Float [..., 3, H, W] in −1…1 → uint8 [..., H, W, 3]."""
    return ((frames.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).movedim(-3, -1).cpu().numpy()
