"""Runs a model as the product does: the packed ONNX graphs in onnxruntime (or PyTorch weights, to compare), one core."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training import diffusion
from training.diffusion import LatentStatistics, make_conditioning, sample_ddim
from training.evaluation.source import SourceFrames
from training.latents import encode
from training.model import EnhancementNetwork, NetworkConfig, sinusoid
from training.refinement import conditioning
from training.validate import reconstruct

COLOUR_BLOCK = 8


class PackedModel:
    """A folder with manifest.json and graphs."""

    def __init__(self, folder: Path, threads: int = 1):
        import onnxruntime

        self._copy = tempfile.TemporaryDirectory()  # the runtime maps the weights' file, which may be replaced while it runs
        folder = Path(shutil.copytree(folder, Path(self._copy.name) / "package"))
        text = (folder / "manifest.json").read_bytes()
        self.config = json.loads(text)["config"]
        self.identity = f"package-{hashlib.sha256(text).hexdigest()[:10]}"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.sessions = {
            part: onnxruntime.InferenceSession(str(folder / f"{part}.onnx"), options, providers=["CPUExecutionProvider"])
            for part in ("controlnet", "unet", "vae-encoder", "vae-decoder")
        }

    def _run(self, part: str, **inputs: np.ndarray) -> dict[str, np.ndarray]:
        session = self.sessions[part]
        wanted = {i.name for i in session.get_inputs()}
        fed = {k: np.ascontiguousarray(v, np.float32) for k, v in inputs.items() if k in wanted}
        return dict(zip((o.name for o in session.get_outputs()), session.run(None, fed)))

    def encode(self, frames: Tensor) -> Tensor:
        out = self._run("vae-encoder", frames=frames.numpy())
        return torch.from_numpy(out.get("latents", out.get("mean")))

    def decode(self, latents: Tensor, source: Tensor, scale: float, strength: float) -> Tensor:
        features = conditioning(torch.tensor([float(scale)]), torch.tensor([strength])).numpy()
        return torch.from_numpy(self._run("vae-decoder", latents=latents.numpy(), source=source.numpy(), conditioning=features)["frames"])

    def network(self, sample, hint, key_frames, t, t_hint, scale, frames, controlled: bool = True) -> Tensor:
        features = {"timestep_features": t, "hint_timestep_features": t_hint, "scale_features": scale}
        shared = {"sample": sample.numpy(), **{k: sinusoid(v, self.config["dim"]).numpy() for k, v in features.items()}}
        residuals = self._run("controlnet", hint=hint.numpy(), key_frames=key_frames.numpy(), **shared)
        if not controlled:
            residuals = {k: np.zeros_like(v) for k, v in residuals.items()}
        return torch.from_numpy(self._run("unet", **shared, **residuals)["velocity"])


class TrainedModel:
    """A checkpoint's averaged weights in PyTorch, float32."""

    def __init__(self, checkpoint: Path):
        saved = torch.load(checkpoint, map_location="cpu")
        self.config = saved["config"]
        self.identity = f"checkpoint-{saved['done']['steps']}"
        self._network = EnhancementNetwork(NetworkConfig.from_json(self.config)).eval()
        self._network.load_state_dict({k: v.float() for k, v in saved["average"].items()})

    def encode(self, frames: Tensor) -> Tensor:
        return encode(frames, self.config["autoencoder"]["factor"])

    def decode(self, latents: Tensor, source: Tensor, scale: float, strength: float) -> Tensor:
        factor = self.config["autoencoder"]["factor"]
        return reconstruct(self._network.decoder, latents, source, factor, torch.tensor([float(scale)]), torch.tensor([strength]))

    def network(self, sample, hint, key_frames, t, t_hint, scale, frames, controlled: bool = True) -> Tensor:
        assert controlled, "the ControlNet is left out of packages only"
        return self._network(sample, hint, key_frames, t, t_hint, scale, frames)


@dataclass(frozen=True)
class Run:
    """How a clip is enhanced."""

    strength: float = 0.0
    evaluations: int = 1
    network: str = "whole"  # 'none': its output is nought; 'unet': without the ControlNet, from the source noised to t = 999·strength
    colour_fix: bool = True
    deflicker: bool = True  # of the source frames, before all else

    @property
    def name(self) -> str:
        steps = f"{self.evaluations} evaluation{'s' * (self.evaluations > 1)}"
        words = {"whole": f"strength {self.strength:g}, {steps}", "none": "hint alone (no network)",
                 "unet": f"noised and denoised, no ControlNet, strength {self.strength:g}"}[self.network]
        return words + ("" if self.colour_fix else ", no colour fix") + ("" if self.deflicker else ", no deflicker")


def fix_colour(result: Tensor, source: Tensor) -> Tensor:
    """The product's colour fix (workers/reconstruct/colour-fix.ts): low frequencies are the source's. [F,3,H,W]."""
    height, width = result.shape[-2:]
    low = torch.nn.functional.avg_pool2d(source - result, COLOUR_BLOCK, ceil_mode=True, count_include_pad=False)
    for reach in (1, 2):
        for axis in (-1, -2):
            n = low.shape[axis]
            at = torch.arange(n)
            near = low.index_select(axis, (at - reach).clamp(min=0)) + low.index_select(axis, (at + reach).clamp(max=n - 1))
            low = 0.5 * low + 0.25 * near
    size = [n * COLOUR_BLOCK for n in low.shape[-2:]]
    smooth = torch.nn.functional.interpolate(low, size=size, mode="bilinear", align_corners=False)
    return result + smooth[..., :height, :width]


@torch.no_grad()
def enhance(model, given: SourceFrames, scale: float, run: Run, seed: int = 666) -> Tensor:
    """Source frames at output size, sides multiples of 16 → [F,3,H,W] in −1…1."""
    stats = LatentStatistics.from_json(model.config)
    generator = torch.Generator().manual_seed(seed)
    source = given.frames.contiguous()
    latents = stats.normalise(model.encode(source))[None]
    hint_noise = torch.randn(latents.shape, generator=generator)
    cond = make_conditioning(stats, latents, given.mismatch[None], given.keys, [run.strength], torch.tensor([float(scale)]), hint_noise)
    noise = torch.randn(cond.base.shape, generator=generator)
    if run.network == "none":
        z = cond.base[0]
    elif run.network == "unet":
        t = round(999 * run.strength)
        x = diffusion.ALPHA[t] * latents + diffusion.SIGMA[t] * noise
        z = diffusion.predict(lambda *inputs: model.network(*inputs, controlled=False), x, cond, t)[0]
    else:
        z = sample_ddim(model.network, cond, noise, run.evaluations)[0]
    result = model.decode(stats.restore(z), source, scale, run.strength)
    return fix_colour(result, source) if run.colour_fix else result
