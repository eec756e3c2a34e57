"""Measures the latent statistics of a pool of clips: shift, scale, variance, residual spread by scale, inserted spread."""

from __future__ import annotations

import numpy as np
import torch

from training.data import Pool
from training.diffusion import MISMATCH_FLOOR, LatentStatistics, block_mean
from training.latents import channels_for, encode

SPREAD_SCALES = [1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0]


def measure(pool: Pool, factor: int, batches: int = 60, crop: int = 128, seed: int = 5) -> LatentStatistics:
    rng = np.random.default_rng(seed)
    channels = channels_for(factor)
    knots = np.log(SPREAD_SCALES)
    raws, squares, weights = [], torch.zeros(len(knots), channels), torch.zeros(len(knots))
    inserted, inserted_count = torch.zeros(channels), 0.0
    for _ in range(batches):
        skip = int(rng.choice([2, 4, 8]))
        batch = pool.batch(rng, 8, crop, skip + 1, skip).to("cpu")
        raw = encode(batch.clean.flatten(0, 1), factor).unflatten(0, batch.clean.shape[:2])
        source = encode(batch.source.flatten(0, 1), factor).unflatten(0, batch.source.shape[:2])
        raws.append(raw[:, 0])
        power = (raw - source)[:, batch.keys].square().mean((1, 3, 4))
        for i, scale in enumerate(batch.scale.tolist()):
            hat = np.interp(np.log(scale), knots, np.arange(len(knots)))
            for knot, weight in ((int(hat), 1 - hat % 1), (min(int(hat) + 1, len(knots) - 1), hat % 1)):
                squares[knot] += weight * power[i]
                weights[knot] += weight
        key = (raw - source)[:, batch.keys].square().mean((0, 1, 3, 4))
        for frame in range(1, skip):
            w = frame / skip
            # Beyond what its key frames are off by.
            inserted += (raw[:, frame] - source[:, frame]).square().mean((0, 2, 3)) - key
            inserted_count += 4 * w * (1 - w) * float((block_mean(batch.mismatch[:, frame:frame + 1], factor) + MISMATCH_FLOOR).sqrt().mean())
    raw = torch.cat(raws)
    shift = raw.mean((0, 2, 3))
    residual = (squares.sum(0) / weights.sum()).sqrt()
    scale = 1 / residual
    return LatentStatistics(
        shift=shift, scale=scale, variance=(raw - shift[:, None, None]).square().mean((0, 2, 3)) * scale**2,
        spread_scales=SPREAD_SCALES, spread=(squares / weights[:, None]).sqrt() * scale,
        inserted=(inserted / inserted_count).clamp_min(1e-4 * residual**2).sqrt() * scale,  # of z, where key frames differ by a unit of luma
    )
