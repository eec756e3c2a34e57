"""What TypeScript must agree with: the sampler's results on the inputs of `workers/denoise/fixtures/training.json`, written back there,
a frame carried along the motion between two frames of a clip, `workers/condition/fixtures/motion.json`, and a frame through a small decoder with
random weights, `workers/models/autoencoder/fixtures/refinement.json`.

`python -m training.parity`, after a change of diffusion.py or motion.py. The sampler's network is tanh(0.5·sample + 0.1·hint).
"""

from __future__ import annotations

import base64
import json
from pathlib import Path

import numpy as np
import torch

from training import diffusion
from training.deflicker import light_change
from training.motion import Motion, carried
from training.refinement import Refinement
from training.validate import reconstruct
from training.video import read_video

ROOT = Path(__file__).parents[1]
FIXTURE = ROOT / "workers/denoise/fixtures/training.json"
REFINEMENT = ROOT / "workers/models/autoencoder/fixtures/refinement.json"
MOTION = ROOT / "workers/condition/fixtures/motion.json"
CLIP = ROOT / "e2e/fixtures/clips/real_320x180_truth.mp4"
STATISTICS = diffusion.LatentStatistics(
    torch.zeros(3), torch.ones(3), torch.tensor([40, 6, 1.2]), [1.0, 2.0, 4.0],
    torch.tensor([[0.4, 0.6, 0.9], [0.8, 0.9, 1], [1.2, 1.1, 1]]), torch.tensor([3.0, 2.0, 1.0]))


def numbers(values: torch.Tensor) -> list[float]:
    return [round(float(v), 7) for v in values.flatten()]


def motion() -> None:
    """Frames 8 apart of a real clip, and the one half-way."""
    first, middle, last = (np.ascontiguousarray(f[40:136, 96:224]) for f in read_video(CLIP, limit=9)[::4])
    between = Motion.between(first, last)
    a, b = carried(first.astype(np.float32), last.astype(np.float32), between.velocities(0.5), 0.5)
    made = np.clip(np.round((a + b) / 2), 0, 255).astype(np.uint8)
    light = light_change(first, np.clip(last * 1.06, 0, 255).astype(np.uint8))
    text = lambda x: base64.b64encode(np.ascontiguousarray(x).tobytes()).decode()
    MOTION.write_text(json.dumps({
        "width": 128, "height": 96, "before": text(first), "truth": text(middle), "after": text(last), "made": text(made), "light": text(np.round(light * 256).astype("<i2")),
        "forward": text(np.round(between.forward * 256).astype("<i2"))}))


def sampler() -> None:
    fixture = json.loads(FIXTURE.read_text())
    plane = (fixture["channels"], fixture["height"], fixture["width"])
    keys, frames = fixture["keys"], fixture["frames"]
    array = lambda values, count: torch.tensor(values).reshape(1, count, *plane)
    for run in fixture["runs"]:
        mismatch = torch.tensor(fixture["mismatch"]).reshape(1, frames, *plane[1:])
        cond = diffusion.make_conditioning(STATISTICS, array(fixture["source"], frames), mismatch, keys, [run["strength"]],
                                           torch.tensor([run["scale"]]), array(fixture["hintNoise"], frames))
        samples: list[list[float]] = []

        def network(sample, hint, *_):
            samples.append(numbers(sample))
            return torch.tanh(0.5 * sample + 0.1 * hint)

        final = diffusion.sample_ddim(network, cond, array(run["noise"], frames), run["evaluations"])
        run |= {"samples": samples, "hint": numbers(cond.hint), "final": numbers(final)}
    FIXTURE.write_text(json.dumps(fixture))


@torch.no_grad()
def refinement() -> None:
    torch.manual_seed(7)
    decoder = Refinement(width=4, near=1, inner=6, depth=2)
    for p in decoder.parameters():
        p.copy_(0.3 * torch.randn(p.shape))
    source, raw = torch.rand(1, 3, 128, 16) * 2 - 1, torch.randn(1, 96, 16, 2)
    scale, strength = torch.tensor([2.5]), torch.tensor([0.3])
    frames = reconstruct(decoder, raw, source, 8, scale, strength)
    REFINEMENT.parent.mkdir(exist_ok=True)
    REFINEMENT.write_text(json.dumps({
        "width": 4, "near": 1, "inner": 6, "depth": 2, "scale": 2.5, "strength": 0.3, "height": 128, "pictureWidth": 16,
        "weights": {f"decoder.{k}": {"shape": list(v.shape), "values": numbers(v)} for k, v in decoder.state_dict().items()},
        "source": numbers(source), "latents": numbers(raw), "frames": numbers(frames)}))


if __name__ == "__main__":
    motion()
    refinement()
    sampler()
