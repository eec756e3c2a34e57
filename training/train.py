"""Trains nano in slices of any length.

`python -m training.train --config CONFIG.json --bank training/.cache/bank0 --out training/runs/a --minutes 8 [--resume FILE]`

On a CPU, `--workers 2` single-threaded processes share each step's gradients: convolutions this small gain more from that
than from two threads, and two spinning threads come to a stop (60 times slower, measured) when anything else wants a core.
On CUDA one worker suffices. The learning rate warms up over 150 steps, stays, and falls to nothing over the last `--decay` share of the slice (0 for a
slice that will be continued). Losses and validation figures go to OUT/log.jsonl, strips of samples to OUT/strip_*.png, the
resumable checkpoint (weights, moments in bf16, averaged weights) to OUT/checkpoint.pt.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from pathlib import Path
from queue import Queue

import numpy as np
import torch
from torch import Tensor

from training.data import Banks, Batch, held_out_clips
from training.diffusion import ALPHA, SIGMA, STEPS, LatentStatistics, block_mean, make_conditioning, network_input
from training.latents import encode
from training.measure import measure
from training.model import EnhancementNetwork, NetworkConfig
from training.optimiser import Muon, load_moments, save_moments
from training.validate import Enhancement, autocast_network, validate

# Key-frame skip, frames of the clip, and how often: half the batches have every frame as a key frame.
SHAPES = [((1, 3), 0.36), ((1, 5), 0.14), ((2, 5), 0.22), ((3, 4), 0.06), ((4, 5), 0.12), ((8, 9), 0.10)]
CLEAN_HINT_SHARE, LOW_STRENGTH_SHARE = 0.4, 0.3  # strength 0; strength up to 0.4; the rest up to 1
FIRST_SHARE = 0.35  # share of the clips trained at t = 999, where every job starts: one evaluation does most of the work
LATE_SHARE = 0.45  # and at t in 300…998, where the others of a short plan lie


def channel_weights(stats: LatentStatistics, power: float = 1.0) -> Tensor:
    """Favours the channels whose residual is large in pixels: weight ∝ (residual's deviation in pixels)^power."""
    weights = stats.scale ** -power
    return weights / weights.mean()


def random_timesteps(rng: np.random.Generator, count: int) -> Tensor:
    share = rng.random(count)
    late = np.where(share < FIRST_SHARE, STEPS - 1, rng.integers(300, STEPS, count))
    return torch.from_numpy(np.where(share < FIRST_SHARE + LATE_SHARE, late, rng.integers(0, STEPS, count)))


def random_strength(rng: np.random.Generator) -> float:
    share = rng.random()
    if share < CLEAN_HINT_SHARE:
        return 0.0
    return float(rng.random()) * (0.4 if share < CLEAN_HINT_SHARE + LOW_STRENGTH_SHARE else 1.0)


class Loss:
    def __init__(self, stats: LatentStatistics, factor: int, device: str):
        self.stats, self.factor, self.device = stats, factor, device
        self.weights = channel_weights(stats)[None, :, None, None].to(device)

    def __call__(self, network: torch.nn.Module, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict]:
        count, frames = batch.clean.shape[:2]
        latent = lambda x: self.stats.normalise(encode(x.flatten(0, 1), self.factor)).unflatten(0, x.shape[:2])
        z, source = latent(batch.clean), latent(batch.source)
        mismatch = block_mean(batch.mismatch, self.factor)
        strengths = [random_strength(rng) for _ in range(count)]
        cond = make_conditioning(self.stats, source, mismatch, batch.keys, strengths, batch.scale)
        t = random_timesteps(rng, count)
        alpha, sigma = (table[t][:, None, None, None, None] for table in (ALPHA, SIGMA))
        x = alpha * z + sigma * torch.randn_like(z)
        sample = network_input(x, cond, alpha, sigma)
        target = ((z - cond.base) / cond.prior.sqrt()).flatten(0, 1)
        put = lambda y: y.to(self.device)
        nhwc = lambda y: put(y.flatten(0, 1)).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device, torch.bfloat16):
            out = network(nhwc(sample), nhwc(cond.hint), put(cond.key_frames.flatten()), put(t.float()),
                          put(cond.hint_timestep), put(8 * cond.scale), frames)
        error = (out.float() - put(target)).square()
        # Badly degraded clips would rule the batch and good ones count for nothing: weigh each by its own residual's size.
        size = put(target).square().unflatten(0, (count, frames)).mean((1, 2, 3, 4), keepdim=True)
        damp = (1 / (size + 0.2)).expand(count, frames, 1, 1, 1).flatten(0, 1)
        loss = (error * self.weights * damp).mean()
        plain = (put(target).square() * self.weights * damp).mean()
        return loss, {"loss": float(loss.detach()), "untrained": float(plain)}


def feed(banks: Banks, rng: np.random.Generator, options: argparse.Namespace, queue: Queue) -> None:
    """Batches of about the same number of frames, made beside the training."""
    shapes, shares = [s for s, _ in SHAPES], np.array([p for _, p in SHAPES])
    while True:
        skip, frames = shapes[rng.choice(len(shapes), p=shares / shares.sum())]
        size = max(1, round(options.frames / frames))
        queue.put(banks.batch(rng, size, options.crop, frames, skip))
        banks.refresh()


class SharedGradients:
    """Every parameter's gradient as a view of one buffer, summed over the workers in one go, with a word for all at its end."""

    def __init__(self, network: torch.nn.Module, workers: int):
        parameters = list(network.parameters())
        self.workers = workers
        self.buffer = torch.zeros(sum(p.numel() for p in parameters) + 1, device=parameters[0].device)
        offset = 0
        for p in parameters:
            p.grad = self.buffer[offset:].as_strided(p.shape, p.stride(), offset)
            offset += p.numel()

    def clear(self) -> None:
        self.buffer.zero_()

    def share(self, word: float) -> float:
        """Averages the gradients; gives the sum of all workers' words."""
        self.buffer[-1] = word * self.workers
        if self.workers > 1:
            torch.distributed.all_reduce(self.buffer)
            self.buffer /= self.workers
        return float(self.buffer[-1])


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--bank", type=Path, nargs="+", required=True)
    parser.add_argument("--held-out", type=Path, default=Path("training/.cache/held_out"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--resume", type=Path)
    parser.add_argument("--frames", type=int, default=20, help="frames per step")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--optimiser", choices=["adamw", "muon"], default="adamw")
    parser.add_argument("--decay", type=float, default=0.25)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--validate-minutes", type=float, default=5)
    parser.add_argument("--validate-clips", type=int, default=8)
    parser.add_argument("--workers", type=int, default=1 if torch.cuda.is_available() else 2)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main() -> None:
    options = parse()
    if options.workers == 1:
        work(0, options, "")
    else:
        meeting = tempfile.mktemp(prefix="nano-train-")
        torch.multiprocessing.spawn(work, (options, meeting), nprocs=options.workers)


def work(rank: int, options: argparse.Namespace, meeting: str) -> None:
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if options.workers > 1:
        torch.set_num_threads(1)
        torch.distributed.init_process_group("gloo", f"file://{meeting}", rank=rank, world_size=options.workers)
    torch.manual_seed(options.seed + 1000 * rank)
    rng = np.random.default_rng([options.seed, rank, time.time_ns() % 2**31 if options.resume else 0])
    options.out.mkdir(parents=True, exist_ok=True)
    config = json.loads(options.config.read_text())
    factor = config["autoencoder"]["factor"]
    banks = Banks(options.bank)
    if "latentScale" not in config:
        config |= measure(banks, factor).to_json()
    stats = LatentStatistics.from_json(config)
    if rank == 0:
        (options.out / "config.json").write_text(json.dumps(config))

    torch.manual_seed(options.seed)
    network = EnhancementNetwork(NetworkConfig.from_json(config)).to(device)
    for module in network.modules():
        if isinstance(module, torch.nn.Conv2d):
            module.to(memory_format=torch.channels_last)
    torch.manual_seed(options.seed + 1000 * rank)
    averaged = {k: v.detach().clone() for k, v in network.state_dict().items()}
    if options.optimiser == "muon":
        optimiser: torch.optim.Optimizer = Muon(network, rate=options.rate)
    else:
        optimiser = torch.optim.AdamW(network.parameters(), options.rate, betas=(0.9, 0.99), weight_decay=0.01)
    done = {"steps": 0, "clips": 0, "minutes": 0.0}
    if options.resume:
        saved = torch.load(options.resume, map_location=device)
        network.load_state_dict(saved.get("weights", saved["average"]))  # a kept checkpoint has only the average
        averaged = {k: v.float() for k, v in saved["average"].items()}
        load_moments(optimiser, saved["moments"])
        done = saved["done"]

    loss_of = Loss(stats, factor, device)
    clips = held_out_clips(options.held_out, options.validate_clips)
    shadow = EnhancementNetwork(NetworkConfig.from_json(config)).to(device).eval()
    log = (options.out / "log.jsonl").open("a")
    gradients = SharedGradients(network, options.workers)

    def write(record: dict) -> None:
        if rank > 0:
            return
        log.write(json.dumps(record) + "\n")
        log.flush()
        print(record, flush=True)

    def check() -> None:
        shadow.load_state_dict(averaged)
        enhance = Enhancement(autocast_network(shadow, device), stats, factor)
        began = time.time()
        figures = validate(enhance, clips, options.out / f"strip_{done['steps']:06d}.png")
        write({"steps": done["steps"], "validation": figures, "seconds": round(time.time() - began, 1)})

    def save() -> None:
        so_far = done | {"minutes": round(done["minutes"] + minutes, 2)}
        torch.save({"weights": network.state_dict(), "average": {k: v.to(torch.float16) for k, v in averaged.items()},
                    "moments": save_moments(optimiser), "done": so_far, "config": config}, options.out / "checkpoint.tmp")
        (options.out / "checkpoint.tmp").replace(options.out / "checkpoint.pt")

    queue: Queue = Queue(maxsize=4)
    threading.Thread(target=feed, args=(banks, rng, options, queue), daemon=True).start()
    loss_rng = np.random.default_rng([options.seed, rank, done["steps"]])
    began = time.time()
    spent_checking = 0.0
    recent: list[dict] = []
    next_check = options.validate_minutes
    first_step = done["steps"]
    write({"options": {k: str(v) for k, v in vars(options).items()}, "done": dict(done), "clips_in_bank": len(banks)})
    minutes = 0.0
    while minutes < options.minutes:
        left = 1 - minutes / options.minutes
        warm = min(1.0, (done["steps"] + 1) / 150, (done["steps"] - first_step + 1) / 30)
        rate = options.rate * warm * (min(1.0, left / options.decay) if options.decay else 1.0)
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        batch = queue.get()
        loss, figures = loss_of(network, batch, loss_rng)
        gradients.clear()
        loss.backward()
        minutes = gradients.share((time.time() - began - spent_checking) / 60 if rank == 0 else 0.0)
        norm = torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        if torch.isfinite(norm):
            optimiser.step()
        done["steps"] += 1
        done["clips"] += batch.clean.shape[0] * options.workers
        decay = min(options.average, (1 + done["steps"]) / (10 + done["steps"]))
        with torch.no_grad():
            state = network.state_dict()
            torch._foreach_lerp_(list(averaged.values()), [state[k] for k in averaged], 1 - decay)
        recent.append(figures | {"norm": float(norm)})
        if done["steps"] % 100 == 0:
            mean = {k: round(float(np.mean([r[k] for r in recent])), 4) for k in recent[0]}
            write({"steps": done["steps"], "clips": done["clips"], "minutes": round(done["minutes"] + minutes, 2),
                   "rate": round(rate, 6), **mean})
            recent = []
        if minutes >= next_check:
            pause = time.time()
            if rank == 0:
                save()
                check()
            spent_checking += time.time() - pause
            next_check += options.validate_minutes
    if rank == 0:
        save()
        check()


if __name__ == "__main__":
    main()
