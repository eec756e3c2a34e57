"""Evaluates the shipped package on the evaluation clips: `python -m training.evaluate --package public/models/nano`.

Five clips and ten photographs in motion (a slow pan, zoom and turn), each as a centre crop of 320×256, frames judged evenly;
`--clips`, `--crop` and `--frames` change that. Runs the packed ONNX graphs in onnxruntime (`--checkpoint FILE` runs the
PyTorch weights instead), at a fixed seed, DDIM. Baselines: bicubic in space, linear blending in time. Low-quality frames are
antialiased-bicubic reductions in 8 bits. Writes JSON and a markdown table; costs about 8 minutes of two cores.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.diffusion import LatentStatistics, make_conditioning, sample_ddim
from training.latents import decode, encode, from_bytes, to_bytes, upsample
from training.model import EnhancementNetwork, NetworkConfig, sinusoid
from training.validate import autocast_network, blend, psnr, ssimulacra2


class TorchModel:
    def __init__(self, checkpoint: Path):
        saved = torch.load(checkpoint, map_location="cpu")
        self.config = saved["config"]
        network = EnhancementNetwork(NetworkConfig.from_json(self.config)).eval()
        network.load_state_dict({k: v.float() for k, v in saved["average"].items()})
        self.network = autocast_network(network)
        self.factor = self.config["autoencoder"]["factor"]
        self.name = f"checkpoint at step {saved['done']['steps']} (PyTorch, bf16)"

    def encode(self, frames: Tensor) -> Tensor:
        return encode(frames, self.factor)

    def decode(self, latents: Tensor, source: Tensor) -> Tensor:
        return decode(latents, source, self.factor)


class OnnxModel:
    def __init__(self, folder: Path, threads: int):
        import onnxruntime

        manifest = json.loads((folder / "manifest.json").read_text())
        self.config = manifest["config"]
        self.name = f"package {manifest.get('name', folder.name)} ({folder})"
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

    def decode(self, latents: Tensor, source: Tensor) -> Tensor:
        return torch.from_numpy(self._run("vae-decoder", latents=latents.numpy(), source=source.numpy())["frames"])

    def network(self, sample, hint, key_frames, t, t_hint, scale, frames) -> Tensor:
        dim = self.config["dim"]
        features = {"timestep_features": t, "hint_timestep_features": t_hint, "scale_features": scale}
        shared = {"sample": sample.numpy(), **{k: sinusoid(v, dim).numpy() for k, v in features.items()}}
        residuals = self._run("controlnet", hint=hint.numpy(), key_frames=key_frames.numpy(), **shared)
        return torch.from_numpy(self._run("unet", **shared, **residuals)["velocity"])


def enhance(model, source: Tensor, frames: int, keys: list[int], scale: float, strength: float, evaluations: int, seed: int,
            take_back: bool = True) -> Tensor:
    """Key frames at output size [K,3,H,W] in −1…1 → [frames,3,H,W]."""
    stats = LatentStatistics.from_json(model.config)
    generator = torch.Generator().manual_seed(seed)
    latents = stats.normalise(model.encode(source))[None]
    hint_noise = torch.randn(latents.shape, generator=generator)
    cond = make_conditioning(stats, latents, frames, keys, [strength], torch.tensor([scale]), hint_noise)
    noise = torch.randn(cond.base.shape, generator=generator)
    with torch.no_grad():
        z = sample_ddim(model.network, cond, noise, evaluations)[0]
    if take_back:
        z = z - cond.base_noise[0]
    return model.decode(stats.restore(z), blend(source, frames, keys))


def photo_in_motion(path: Path, frames: int, width: int, height: int, seed: int) -> np.ndarray:
    """A camera moving over the photograph by 1–3 px a frame, turning and zooming slightly."""
    image = np.asarray(Image.open(path).convert("RGB"))
    rng = np.random.default_rng(seed)
    direction, speed = rng.uniform(0, 2 * math.pi), rng.uniform(1, 3)
    turn, growth = rng.normal(0, 0.002), rng.normal(0, 0.002)
    out = []
    for index in range(frames):
        t = index - (frames - 1) / 2
        zoom = math.exp(growth * t)
        c, s = math.cos(turn * t) * zoom, math.sin(turn * t) * zoom
        linear = np.array([[c, -s], [s, c]])
        centre = np.array(image.shape[1::-1]) / 2 + speed * t * np.array([math.cos(direction), math.sin(direction)])
        matrix = np.hstack([linear, (centre - linear @ [(width - 1) / 2, (height - 1) / 2])[:, None]])
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        out.append(cv2.warpAffine(image, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(out)


def evaluation_clips(data: Path, frames: int, width: int, height: int) -> dict[str, np.ndarray]:
    from training.prepare import read_video

    clips = {}
    for path in sorted((data / "eval").glob("*.mp4")):
        video = np.stack(read_video(path, limit=8 + frames)[8:])
        y, x = (video.shape[1] - height) // 2, (video.shape[2] - width) // 2
        clips[path.stem] = video[:, y:y + height, x:x + width]
    for seed, path in enumerate(sorted((data / "eval/photos").iterdir())):
        clips[path.stem[-24:]] = photo_in_motion(path, frames, width, height, seed)
    return clips


def reduce(clip: np.ndarray, scale: int) -> np.ndarray:
    size = (clip.shape[2] // scale, clip.shape[1] // scale)
    return np.stack([np.asarray(Image.fromarray(f).resize(size, Image.BICUBIC)) for f in clip])


def judge(truth: np.ndarray, images: np.ndarray, positions: list[int]) -> dict[str, float]:
    pairs = [(truth[i], images[i]) for i in positions]
    return {"psnr": float(np.mean([psnr(a, b) for a, b in pairs])),
            "ssimulacra2": float(np.mean([ssimulacra2(a, b) for a, b in pairs]))}


def evaluate(model, clips: dict[str, np.ndarray], points: list[tuple[int, int]], strengths: list[float], counts: list[int],
             also_kept: bool) -> dict:
    results: dict[str, dict[str, dict]] = {}
    for name, clip in clips.items():
        frames, height, width = clip.shape[:3]
        for scale, factor in points:
            keys = list(range(0, frames, factor))
            positions = [i for i in range(frames) if i % factor] if factor > 1 else [1, frames // 2, frames - 2]
            low = clip[keys] if scale == 1 else reduce(clip[keys], scale)
            source = upsample(from_bytes(low), height, width)
            point = f"scale {scale}, factor {factor}"
            row = results.setdefault(point, {})
            row.setdefault("baseline", {})[name] = judge(clip, to_bytes(blend(source, frames, keys)), positions)
            for strength in strengths:
                for count in counts:
                    for back in ([True, False] if also_kept and strength > 0 else [True]):
                        out = to_bytes(enhance(model, source, frames, keys, float(scale), strength, count, 666, back))
                        run = f"strength {strength}, {count} evaluation{'s' * (count > 1)}{', noise kept' * (not back)}"
                        row.setdefault(run, {})[name] = judge(clip, out, positions)
        print(name, flush=True)
    return results


def table(results: dict) -> str:
    lines = ["| operating point | run | PSNR | against baseline | SSIMULACRA2 | against baseline |", "|---|---|---|---|---|---|"]
    for point, runs in results.items():
        means = {run: {m: float(np.mean([v[m] for v in clips.values()])) for m in ("psnr", "ssimulacra2")} for run, clips in runs.items()}
        base = means["baseline"]
        for run, mean in means.items():
            label = ("linear blending" if "factor 1" not in point else "bicubic") if run == "baseline" else run
            gains = ["", ""] if run == "baseline" else [f"{mean[m] - base[m]:+.2f}" for m in ("psnr", "ssimulacra2")]
            lines.append(f"| {point} | {label} | {mean['psnr']:.2f} | {gains[0]} | {mean['ssimulacra2']:.2f} | {gains[1]} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=Path("public/models/nano"))
    parser.add_argument("--checkpoint", type=Path, help="evaluate PyTorch weights instead of the package")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("VENHANCER_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=Path("training/out/evaluation"))
    parser.add_argument("--clips", type=int, default=0, help="only this many, evenly picked; 0 for all")
    parser.add_argument("--frames", type=int, default=7)
    parser.add_argument("--crop", type=int, nargs=2, default=[320, 256], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--points", nargs="+", default=["2:1", "4:1", "1:2"], help="scale:factor")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.0, 0.3])
    parser.add_argument("--evaluations", type=int, nargs="+", default=[1, 4])
    parser.add_argument("--also-kept", action="store_true", help="also without taking the hint's noise back (docs/nano.md)")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    model = TorchModel(options.checkpoint) if options.checkpoint else OnnxModel(options.package, options.threads)
    clips = evaluation_clips(options.data, options.frames, *options.crop)
    if options.clips:
        names = [list(clips)[i] for i in np.linspace(0, len(clips) - 1, options.clips).round().astype(int)]
        clips = {n: clips[n] for n in names}
    began = time.time()
    points = [tuple(int(v) for v in p.split(":")) for p in options.points]
    results = evaluate(model, clips, points, options.strengths, options.evaluations, options.also_kept)
    text = table(results)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    head = {"model": model.name, "clips": list(clips), "crop": options.crop, "frames": options.frames, "seed": 666,
            "seconds": round(time.time() - began)}
    options.out.with_suffix(".json").write_text(json.dumps(head | {"results": results}, indent=1))
    options.out.with_suffix(".md").write_text(text + "\n")
    print(head, text, sep="\n")


if __name__ == "__main__":
    main()
