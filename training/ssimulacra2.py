"""SSIMULACRA2 (Sneyers 2023, libjxl) for training: differentiable, and with its weights where they belong at every size.

The reference lists its 108 weights by channel and scale and walks that list by the scales it could make, so that a picture less than 249 pixels wide or
high, which has no sixth, takes weights of other scales and channels: crops of 192 rows were judged by their blue. Here a missing scale is left out, as
its weights are nought in all but name. Costs 0.1 s of a core for sixteen crops of 128×128 and their gradients: blurs are products with banded matrices.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from scipy.ndimage import gaussian_filter1d
from ssimulacra2.ssimulacra2 import kB0, kC2, kOpsinAbsorbanceMatrix, weights
from torch import Tensor

SCALES = 6
SMALLEST = 8  # pixels a side
SIGMA, TRUNCATE, BORDER = 1.5, 3.33, 5  # the blur's, zeros to the left and right
COUNTS = 1e-2  # weights of less change nothing, see the table's values
X, Y, B = range(3)


@lru_cache(maxsize=None)
def _blurs(height: int, width: int) -> tuple[Tensor, Tensor]:
    rows = gaussian_filter1d(np.eye(height), SIGMA, 0, truncate=TRUNCATE)
    columns = gaussian_filter1d(np.pad(np.eye(width), ((BORDER, BORDER), (0, 0))), SIGMA, 0, truncate=TRUNCATE)[BORDER:-BORDER]
    return torch.from_numpy(rows.astype(np.float32)), torch.from_numpy(columns.T.astype(np.float32))


def _blur(planes: Tensor) -> Tensor:
    rows, columns = (matrix.to(planes.device) for matrix in _blurs(*planes.shape[-2:]))
    return rows @ planes @ columns


def _linear(rgb: Tensor) -> Tensor:
    """[N,3,H,W] in −1…1, sRGB → linear 0…1."""
    value = (rgb.float() * 0.5 + 0.5).clamp(0, 1)
    return torch.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def _xyb(linear: Tensor, wanted: list[int]) -> Tensor:
    """[N,3,H,W] → the wanted of X, Y, B, made positive."""
    matrix = torch.from_numpy(kOpsinAbsorbanceMatrix.reshape(3, 3).astype(np.float32)).to(linear.device)
    mixed = torch.einsum("oc,nchw->nohw", matrix, linear) + kB0
    l, m, s = (mixed.clamp_min(1e-6) ** (1 / 3) - kB0 ** (1 / 3)).unbind(1)
    planes = (14 * (l - m) / 2 + 0.42, (l + m) / 2 + 0.01, s - (l + m) / 2 + 0.55)
    return torch.stack([planes[i] for i in wanted], 1)


def _norms(error: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and 4-norm over the plane: [N,C,H,W] → [N,C] each."""
    return error.mean((2, 3)), (error.square().square().mean((2, 3)) + 1e-20) ** 0.25


def distance(image: Tensor, reference: Tensor) -> Tensor:
    """Two of [N,3,H,W] in −1…1 → [N]: 100 less the figure, nought for the same picture."""
    table = np.asarray(weights).reshape(3, SCALES, 2, 3)  # of channel, scale, norm, and likeness, what is new, what is lost
    a, b = _linear(reference), _linear(image)
    total = a.new_zeros(len(a))
    for scale in range(SCALES):
        if min(a.shape[-2:]) < SMALLEST:
            break
        wanted = [c for c in (X, Y, B) if (table[c, scale] > COUNTS).any()]
        if wanted:
            p, q = _xyb(a, wanted), _xyb(b, wanted)
            mean_p, mean_q, pp, qq, pq = _blur(torch.cat([p, q, p * p, q * q, p * q], 1)).chunk(5, 1)
            unlike = 1 - (1 - (mean_p - mean_q).square()) * (2 * (pq - mean_p * mean_q) + kC2) / (pp - mean_p.square() + qq - mean_q.square() + kC2)
            edges = (1 + (q - mean_q).abs()) / (1 + (p - mean_p).abs()) - 1
            for kind, error in enumerate((unlike, edges, -edges)):
                for norm, values in enumerate(_norms(error.clamp_min(0))):
                    total = total + values @ torch.from_numpy(table[wanted, scale, norm, kind].astype(np.float32)).to(values.device)
        halve = lambda x: torch.nn.functional.avg_pool2d(x, 2, ceil_mode=True, count_include_pad=False)
        a, b = halve(a), halve(b)
    total = 0.9562382616834844 * total
    total = 2.326765642916932 * total - 0.020884521182843837 * total**2 + 6.248496625763138e-05 * total**3
    return 10 * (total.clamp_min(0) + 1e-3) ** 0.6276336467831387
