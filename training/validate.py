"""Validation on held-out clips: PSNR and SSIMULACRA2 against bicubic and linear blending, and a strip to look at.

Costs about 20 s on two cores for 8 clips. The crops are small (160 px), so figures are for comparing runs, not for the docs.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from ssimulacra2 import compute_ssimulacra2
from torch import Tensor

from training.degrade import shrink
from training.diffusion import LatentStatistics, Network, block_mean, make_conditioning, sample_ddim
from training.latents import decode, encode, from_bytes, to_bytes, upsample
from training.motion import fill
from training.refinement import Refinement, conditioning
from training.video import h264


COMPRESSION = 30  # crf
SSIMULACRA2_SIDE = 256  # six scales, none of them under 8 pixels a side


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-4)))


def ssimulacra2(reference: np.ndarray, image: np.ndarray) -> float:
    """Of uint8 [H,W,3]. A smaller picture would lack a scale and be judged by other scales' weights (training/ssimulacra2.py): it is mirrored to size."""
    files = [io.BytesIO(), io.BytesIO()]
    more = [(0, max(0, SSIMULACRA2_SIDE - side)) for side in reference.shape[:2]]
    for file, pixels in zip(files, (reference, image)):
        Image.fromarray(np.pad(pixels, (*more, (0, 0)), "symmetric")).save(file, "BMP")
    return float(compute_ssimulacra2(*files))


def refine(decoder: Refinement | None, source: Tensor, scale: Tensor, strength: Tensor) -> Tensor:
    """Source [N,3,H,W], scale, strength [N] or [1] → what the decoder adds, whatever the latents are [N,3,H,W]."""
    if decoder is None:
        return torch.zeros_like(source)
    put = lambda y: y.to(decoder.leave.weight.device)
    return decoder(put(source), put(conditioning(scale, strength).expand(len(source), 2))).to(source.device)


def reconstruct(
    decoder: Refinement | None, raw: Tensor, source: Tensor, factor: int, scale: Tensor, strength: Tensor
) -> Tensor:
    """Raw latents [N,C,h,w] and source [N,3,H,W] → frames; scale, strength [N] or [1]."""
    return decode(raw, source, factor) + refine(decoder, source, scale, strength)


@dataclass
class Enhancement:
    """One run of the model on key frames already at output size."""

    network: Network
    stats: LatentStatistics
    factor: int
    decoder: Refinement | None = None

    @torch.no_grad()
    def __call__(
        self, source: Tensor, frames: int, keys: list[int], scale: float, strength: float, evaluations: int, seed: int = 0
    ) -> Tensor:
        """Key frames [K,3,H,W] in −1…1 → [frames,3,H,W]; inserted frames lean on theirs carried along their motion."""
        generator = torch.Generator().manual_seed(seed)
        source, mismatch = fill(source, frames, keys)
        latents = self.stats.normalise(encode(source, self.factor))[None]
        hint_noise = torch.randn(latents.shape, generator=generator)
        coarse = block_mean(mismatch[None], self.factor)
        cond = make_conditioning(self.stats, latents, coarse, keys, [strength], torch.tensor([scale]), hint_noise)
        noise = torch.randn(cond.base.shape, generator=generator)
        z = sample_ddim(self.network, cond, noise, evaluations)[0]
        return reconstruct(self.decoder, self.stats.restore(z), source, self.factor, torch.tensor([scale]), torch.tensor([strength]))


def blend(source: Tensor, frames: int, keys: list[int]) -> Tensor:
    """Key frames in place, linear blends between them."""
    out = []
    for frame in range(frames):
        p = max(i for i, k in enumerate(keys) if k <= frame)
        q = min(i for i, k in enumerate(keys) if k >= frame)
        w = (frame - keys[p]) / (keys[q] - keys[p]) if q > p else 0.0
        out.append((1 - w) * source[p] + w * source[q])
    return torch.stack(out)


def autocast_network(network: torch.nn.Module, device: str = "cpu") -> Network:
    def run(sample, hint, key_frames, t, t_hint, scale, frames):
        with torch.autocast(device, torch.bfloat16):
            nhwc = lambda x: x.to(device).contiguous(memory_format=torch.channels_last)
            to = lambda x: x.to(device)
            out = network(nhwc(sample), nhwc(hint), to(key_frames), to(t), to(t_hint), to(scale), frames)
        return out.float().cpu()

    return run


def validate(enhance: Enhancement, clips: Tensor, strip: Path | None = None, evaluations: tuple[int, ...] = (1, 4)) -> dict:
    """clips [N,F,3,S,S]. Space: scales 2 and 4 over 3 frames, the middle one judged; H.264: 5 frames; time: every second frame inserted."""
    figures: dict[str, list[float]] = {}
    rows = []

    def judge(name: str, truth: Tensor, image: Tensor) -> np.ndarray:
        a, b = to_bytes(truth), to_bytes(image)
        figures.setdefault(f"{name} psnr", []).append(psnr(a, b))
        figures.setdefault(f"{name} ssimulacra2", []).append(ssimulacra2(a, b))
        return b

    for clip in clips:
        size = clip.shape[-1]
        row = []
        for scale in (2, 4):
            low = from_bytes(shrink(to_bytes(clip[3:6]), size // scale, "bicubic"))
            source = upsample(low, size, size)
            row += [to_bytes(clip[4]), judge(f"x{scale} bicubic", clip[4], source[1])]
            for count in evaluations:
                out = enhance(source, 3, [0, 1, 2], float(scale), 0.0, count)
                row.append(judge(f"x{scale} {count}", clip[4], out[1]))
        harmed = from_bytes(h264(to_bytes(clip[2:7]), COMPRESSION, "medium"))
        row += [to_bytes(clip[4]), judge("compressed input", clip[4], harmed[2])]
        for count in evaluations:
            row.append(judge(f"compressed {count}", clip[4], enhance(harmed, 5, [0, 1, 2, 3, 4], 1.0, 0.0, count)[2]))
        keys = clip[2:5:2]
        row += [to_bytes(clip[3]), judge("between blend", clip[3], (keys[0] + keys[1]) / 2)]
        judge("between motion", clip[3], fill(keys, 3, [0, 2])[0][1])
        for count in evaluations:
            out = enhance(keys, 3, [0, 2], 1.0, 0.0, count)
            row.append(judge(f"between {count}", clip[3], out[1]))
            figures.setdefault(f"clean {count} psnr", []).append(psnr(to_bytes(clip[2]), to_bytes(out[0])))
            figures.setdefault(f"clean {count} ssimulacra2", []).append(ssimulacra2(to_bytes(clip[2]), to_bytes(out[0])))
        rows.append(np.hstack(row))
    if strip is not None:
        strip.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.vstack(rows[:6])).save(strip)
    return {name: round(float(np.mean(values)), 3) for name, values in figures.items()}
