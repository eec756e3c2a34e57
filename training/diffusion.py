"""Noise schedule, residual preconditioning and the DDIM sampler (SPEC §2.1–2.2, docs/nano-model.md).

Everything here is float32 or better and outside autocast: low-frequency channels of z are tens of standard deviations wide
while the network's share is of the order of one. Tensors are [B, F, C, h, w] unless said.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

import numpy as np
import torch
from torch import Tensor

STEPS = 1000
MAX_NOISE_LEVEL = 300
MISMATCH_FLOOR = (2 / 127.5) ** 2  # two grey levels: what even a perfect match may be off by


def make_schedule() -> tuple[np.ndarray, np.ndarray]:
    """α and σ for t = 0…999: cosine logSNR, shift interpolated from 2 to 4, stretched to zero terminal SNR."""
    a, b = math.atan(math.exp(7.5)), math.atan(math.exp(-7.5))
    u = 1 - np.arange(STEPS) / (STEPS - 1)
    log_snr = -2 * np.log(np.tan(a + u * (b - a)))
    shifted = u * (log_snr - 2 * math.log(2)) + (1 - u) * (log_snr - 2 * math.log(4))
    sigma = np.sqrt(1 / (1 + np.exp(shifted)))
    sigma = sigma[0] + (sigma - sigma[0]) * (1 - sigma[0]) / (sigma[-1] - sigma[0])
    return np.sqrt(1 - sigma**2), sigma


ALPHA, SIGMA = (torch.from_numpy(x).float() for x in make_schedule())


def hint_level(strength: float) -> tuple[int, float, float]:
    """Strength 0…1 → t_hint, α', σ'. Strength 0: no noise, t_hint fed as 0."""
    level = round(MAX_NOISE_LEVEL * strength)
    if level == 0:
        return 0, 1.0, 0.0
    return level - 1, float(ALPHA[level - 1]), float(SIGMA[level - 1])


@dataclass
class LatentStatistics:
    """The measured arrays of the config."""

    shift: Tensor
    scale: Tensor
    variance: Tensor
    spread_scales: list[float]
    spread: Tensor  # [len(spread_scales), C]
    inserted: Tensor

    @staticmethod
    def from_json(config: dict) -> "LatentStatistics":
        array = lambda name: torch.tensor(config[name], dtype=torch.float32)
        return LatentStatistics(array("latentShift"), array("latentScale"), array("latentVariance"),
                                list(config["residualSpreadScales"]), array("residualSpread"), array("insertedSpread"))

    def to(self, device: str) -> "LatentStatistics":
        move = lambda name: getattr(self, name).to(device)
        return LatentStatistics(move("shift"), move("scale"), move("variance"), self.spread_scales, move("spread"), move("inserted"))

    def to_json(self) -> dict:
        digits = lambda x: [digits(y) for y in x] if isinstance(x, list) else float(f"{x:.6g}")
        return {"latentShift": digits(self.shift.tolist()), "latentScale": digits(self.scale.tolist()),
                "latentVariance": digits(self.variance.tolist()), "residualSpreadScales": self.spread_scales,
                "residualSpread": digits(self.spread.tolist()), "insertedSpread": digits(self.inserted.tolist())}

    def normalise(self, raw: Tensor) -> Tensor:
        return (raw - self.shift[:, None, None]) * self.scale[:, None, None]

    def restore(self, z: Tensor) -> Tensor:
        return z / self.scale[:, None, None] + self.shift[:, None, None]

    def key_spread(self, scales: Tensor) -> Tensor:
        """τ_key [B, C]: logarithms interpolated linearly over log scale, held constant outside."""
        knots = torch.tensor(self.spread_scales, device=scales.device).log()
        x = scales.float().log().clamp(knots[0], knots[-1])
        upper = torch.searchsorted(knots, x).clamp(1, len(knots) - 1)
        w = ((x - knots[upper - 1]) / (knots[upper] - knots[upper - 1]))[:, None]
        return ((1 - w) * self.spread[upper - 1].log() + w * self.spread[upper].log()).exp()


def fractions(frames: int, keys: list[int]) -> list[float]:
    """How far each frame is from the key frame before it to the one after; 0 on key frames and outside."""
    out = [0.0] * frames
    for first, last in zip(keys, keys[1:]):
        for frame in range(first + 1, last):
            out[frame] = (frame - first) / (last - first)
    return out


def block_mean(mismatch: Tensor, factor: int) -> Tensor:
    """Per pixel [B, F, H, W] → per latent [B, F, H/factor, W/factor], and the mean with the eight latents around, edges held."""
    blocks = mismatch.unflatten(-1, (-1, factor)).unflatten(-3, (-1, factor)).mean((-1, -3))
    return torch.nn.functional.avg_pool2d(torch.nn.functional.pad(blocks, (1, 1, 1, 1), "replicate"), 3, 1)


@dataclass
class Conditioning:
    """What the hint says: the ControlNet's input, the base b and the prior variance τ²."""

    hint: Tensor
    key_frames: Tensor  # [B, F]
    base: Tensor
    prior: Tensor  # τ², [B, F, C, h, w]
    hint_timestep: Tensor  # [B]
    scale: Tensor  # [B]


def make_conditioning(
    stats: LatentStatistics, source: Tensor, mismatch: Tensor, keys: list[int], strengths: list[float], scale: Tensor,
    noise: Tensor | None = None,
) -> Conditioning:
    """source: normalised latents of the upsampled frames [B, F, C, h, w], motion between key frames; mismatch [B, F, h, w]; scale [B]."""
    batch, frames = source.shape[:2]
    put = lambda values: torch.tensor(values, device=source.device)
    levels = [hint_level(s) for s in strengths]
    alpha, sigma = (put([level[i] for level in levels])[:, None, None, None, None] for i in (1, 2))
    if noise is None:
        noise = torch.randn_like(source)
    hint = alpha * source + sigma * noise
    v = stats.variance[None, None, :, None, None]
    total = alpha**2 * v + sigma**2
    w = put(fractions(frames, keys))[None, :, None, None, None]
    key_spread = stats.key_spread(scale)[:, None, :, None, None]
    inserted = stats.inserted[None, None, :, None, None]
    between = 4 * w * (1 - w) * (mismatch[:, :, None] + MISMATCH_FLOOR).sqrt()
    prior = key_spread**2 + between * inserted**2
    key_frames = torch.zeros(batch, frames, device=source.device)
    key_frames[:, keys] = 1
    return Conditioning(hint / total.sqrt(), key_frames, source, prior, put([float(level[0]) for level in levels]), scale)


def network_input(x: Tensor, cond: Conditioning, alpha: Tensor, sigma: Tensor) -> Tensor:
    """What x_t holds beyond the base, at unit variance; alpha, sigma broadcast against [B, F, C, h, w]."""
    return (x - alpha * cond.base) / (sigma**2 + alpha**2 * cond.prior).sqrt()


Network = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, int], Tensor]


def predict(network: Network, x: Tensor, cond: Conditioning, timestep: int) -> Tensor:
    """ẑ at x_t for one timestep."""
    batch, frames = x.shape[:2]
    sample = network_input(x, cond, ALPHA[timestep], SIGMA[timestep])
    flat = lambda y: y.flatten(0, 1)
    t = torch.full((batch,), float(timestep), device=x.device)
    out = network(flat(sample), flat(cond.hint), cond.key_frames.flatten(), t, cond.hint_timestep, 8 * cond.scale, frames)
    return cond.base + cond.prior.sqrt() * out.float().unflatten(0, (batch, frames))


def step_plan(evaluations: int, levels: int = STEPS) -> list[int]:
    """SPEC §2.2 "normal", rounded; sampling ends in ẑ after the last. Nano starts at t = 999: levels = 1000."""
    return [round(levels - 1 - j * levels / (evaluations + 1)) for j in range(evaluations)]


def start(cond: Conditioning, noise: Tensor, timestep: int) -> Tensor:
    """x at the first timestep, drawn from the marginal that the prior implies."""
    alpha, sigma = ALPHA[timestep], SIGMA[timestep]
    return alpha * cond.base + (sigma**2 + alpha**2 * cond.prior).sqrt() * noise


@torch.no_grad()
def sample_ddim(network: Network, cond: Conditioning, noise: Tensor, evaluations: int, levels: int = STEPS) -> Tensor:
    """DDIM (η = 0) over the "normal" plan."""
    plan = step_plan(evaluations, levels)
    x = start(cond, noise, plan[0])
    for index, t in enumerate(plan):
        z = predict(network, x, cond, t)
        if index + 1 == len(plan):
            return z
        epsilon = (x - ALPHA[t] * z) / SIGMA[t]
        x = ALPHA[plan[index + 1]] * z + SIGMA[plan[index + 1]] * epsilon
    raise ValueError("at least one evaluation is needed")
