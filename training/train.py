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
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.data import Batch, Pool, held_out_clips
from training.diffusion import ALPHA, SIGMA, STEPS, LatentStatistics, block_mean, make_conditioning, network_input
from training.latents import decode, encode
from training.measure import measure
from training.model import EnhancementNetwork, NetworkConfig
from training.optimiser import Muon, load_moments, save_moments
from training.refinement import luma
from training.ssimulacra2 import distance
from training.validate import Enhancement, autocast_network, refine, validate

# Key-frame skip, frames of the clip, and how often: most batches have every frame as a key frame.
SHAPES = [((1, 5), 0.70), ((2, 5), 0.14), ((4, 5), 0.09), ((8, 9), 0.07)]
DECODER_SHAPES = [((1, 1), 0.9), ((2, 5), 0.05), ((4, 5), 0.05)]  # the decoder sees one frame at a time
# Share at strength 0, the page's default: faithful to what was filmed, so that what a codec did is undone there too. Of the others half are up to LOW_STRENGTH, the rest up to 1.
FAITHFUL_SHARE = {"reduced": 0.6, "degraded": 0.4, "inserted": 0.4}
LOW_STRENGTH = 0.4
FIRST_SHARE = 0.75  # share of the clips trained at t = 999, where every job starts: one evaluation does most of the work
LATE_SHARE = 0.15  # and at t in 300…998, where the others of a short plan lie


PIXEL_WEIGHT, STRUCTURE_WEIGHT = 0.5, 0.5  # beside a loss in latents of about a half
LEAST_ERROR = 2 / 127.5  # two grey levels: what is changed in a frame that was right counts as that much
TEXTURE_WEIGHT = 30.0  # times strength²: hardly anything where the page calls it faithful, as much as all others at 1
SEEN_WEIGHT, SEEN_EVERY = 0.01, 2  # of SSIMULACRA2's distance (0–100), of how many pictures one
PICTURE_FIGURES = ("pixels", "unlike", "texture", "seen", "gain")
WINDOW = 7  # pixels a side, for likeness and texture


LONGEST_STEP = 5.0  # seconds that count: a machine that slept, or a trainer that was stopped for a while, was not training


def channel_weights(stats: LatentStatistics, power: float = 1.0) -> Tensor:
    """Favours the channels whose residual is large in pixels: weight ∝ (residual's deviation in pixels)^power."""
    weights = stats.scale ** -power
    return weights / weights.mean()


def random_timesteps(rng: np.random.Generator, count: int) -> Tensor:
    share = rng.random(count)
    late = np.where(share < FIRST_SHARE, STEPS - 1, rng.integers(300, STEPS, count))
    return torch.from_numpy(np.where(share < FIRST_SHARE + LATE_SHARE, late, rng.integers(0, STEPS, count)))


def random_strength(rng: np.random.Generator, kind: str) -> float:
    if rng.random() < FAITHFUL_SHARE[kind]:
        return 0.0
    return float(rng.random()) * (LOW_STRENGTH if rng.random() < 0.5 else 1.0)


def around(planes: Tensor) -> Tensor:
    """Means over WINDOW×WINDOW pixels."""
    return F.avg_pool2d(F.avg_pool2d(planes, (WINDOW, 1), 1), (1, WINDOW), 1)


def dissimilarity(a: Tensor, b: Tensor) -> Tensor:
    """1 − SSIM (Wang et al. 2004, even windows) of luma planes [N,1,H,W] in −1…1."""
    mean_a, mean_b, aa, bb, ab = around(torch.cat([a, b, a * a, b * b, a * b], 1)).chunk(5, 1)
    c1, c2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
    likeness = (2 * mean_a * mean_b + c1) * (2 * (ab - mean_a * mean_b) + c2)
    return 1 - (likeness / ((mean_a**2 + mean_b**2 + c1) * (aa - mean_a**2 + bb - mean_b**2 + c2))).mean()


def texture(grey: Tensor) -> Tensor:
    """Deviation of fine detail around each pixel, of luma planes [N,1,H,W]."""
    detail = grey - F.avg_pool2d(F.pad(grey, (1, 1, 1, 1), "replicate"), 3, 1)
    return (around(detail.square()) + 1e-5).sqrt()


class Loss:
    """Of the residual in latents, and of the picture made of it: |error| over that of the source, 1 − SSIM, SSIMULACRA2, with the strength fine detail."""

    def __init__(self, stats: LatentStatistics, factor: int, device: str, decoder_only: bool = False):
        self.stats, self.factor, self.device, self.decoder_only = stats.to(device), factor, device, decoder_only
        self.weights = channel_weights(stats)[None, :, None, None].to(device)
        self.tables = ALPHA.to(device), SIGMA.to(device)

    def __call__(self, network: torch.nn.Module, batch: Batch, rng: np.random.Generator) -> tuple[Tensor, dict[str, Tensor]]:
        count, frames = batch.clean.shape[:2]
        inserted = len(batch.keys) < frames
        kinds = ["inserted" if inserted else "reduced" if only_reduced else "degraded" for only_reduced in batch.reduced]
        strengths = [random_strength(rng, kind) for kind in kinds]
        strength = torch.tensor(strengths, device=self.device)
        each = lambda y: y.repeat_interleave(frames)
        with torch.autocast(self.device, torch.bfloat16):
            refined = refine(network.decoder, batch.source.flatten(0, 1), each(batch.scale), each(strength))
        if self.decoder_only:
            return self._pixels(batch.source.flatten(0, 1) + refined, batch, each(strength))
        latent = lambda x: self.stats.normalise(encode(x, self.factor)).unflatten(0, (count, frames))
        # The network's task is what the decoder leaves to do.
        z, source = latent(batch.clean.flatten(0, 1) - refined.detach()), latent(batch.source.flatten(0, 1))
        mismatch = block_mean(batch.mismatch, self.factor)
        cond = make_conditioning(self.stats, source, mismatch, batch.keys, strengths, batch.scale)
        t = random_timesteps(rng, count).to(self.device)
        alpha, sigma = (table[t][:, None, None, None, None] for table in self.tables)
        x = alpha * z + sigma * torch.randn_like(z)
        sample = network_input(x, cond, alpha, sigma)
        target = ((z - cond.base) / cond.prior.sqrt()).flatten(0, 1)
        nhwc = lambda y: y.flatten(0, 1).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device, torch.bfloat16):
            out = network(nhwc(sample), nhwc(cond.hint), cond.key_frames.flatten(), t.float(), cond.hint_timestep, 8 * cond.scale, frames)
        out = out.float()
        error = (out - target).square()
        # Badly degraded clips would rule the batch and good ones count for nothing: weigh each by its own residual's size.
        size = target.square().unflatten(0, (count, frames)).mean((1, 2, 3, 4), keepdim=True)
        damp = (1 / (size + 0.2)).expand(count, frames, 1, 1, 1).flatten(0, 1)
        loss = (error * self.weights * damp).mean()
        figures = {"loss": loss.detach(), "untrained": (target.square() * self.weights * damp).mean()}
        # Later in the schedule x_t shows the truth, which no job does: what leans on that is idle when it counts (docs/nano.md).
        first = (t == STEPS - 1).nonzero()[:, 0]
        if len(first) == 0:
            return loss, figures | dict.fromkeys(PICTURE_FIGURES, torch.zeros((), device=self.device))
        made = (cond.base + cond.prior.sqrt() * out.unflatten(0, (count, frames)))[first].flatten(0, 1)
        seen, added = batch.only(first), refined.unflatten(0, (count, frames))[first].flatten(0, 1)
        pictures = decode(self.stats.restore(made), seen.source.flatten(0, 1), self.factor) + added
        pixels, more = self._pixels(pictures, seen, each(strength[first]))
        return loss + pixels, figures | more

    def _pixels(self, made: Tensor, batch: Batch, strength: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """made [B·F,3,H,W], strength [B·F]."""
        source, clean = batch.source.flatten(0, 1), batch.clean.flatten(0, 1)
        grey, truth, before = luma(made), luma(clean), luma(source)
        # Relative to what was wrong with each frame: badly degraded ones would count for everything.
        wrong = lambda y: (y - clean).abs().mean((1, 2, 3))
        off = (wrong(made) / (wrong(source) + LEAST_ERROR)).mean()
        unlike = dissimilarity(grey, truth)
        bare = (texture(grey) - texture(truth)).abs().mean((1, 2, 3))
        seen = distance(made[::SEEN_EVERY], clean[::SEEN_EVERY]).mean()
        loss = PIXEL_WEIGHT * off + STRUCTURE_WEIGHT * unlike + (TEXTURE_WEIGHT * strength.square() * bare).mean() + SEEN_WEIGHT * seen
        with torch.no_grad():
            decibels = lambda y: -10 * ((y - truth) / 2).square().mean((1, 2, 3)).clamp_min(1e-4).log10().mean()
            gain = decibels(grey) - decibels(before)
        return loss, dict(zip(PICTURE_FIGURES, (off.detach(), unlike.detach(), bare.mean().detach(), seen.detach(), gain)))


def batches(pool: Pool, rng: np.random.Generator, options: argparse.Namespace):
    """Batches of about the same number of frames."""
    wanted = DECODER_SHAPES if options.only == "decoder" else SHAPES
    shapes, shares = [s for s, _ in wanted], np.array([p for _, p in wanted])
    while True:
        skip, frames = shapes[rng.choice(len(shapes), p=shares / shares.sum())]
        yield pool.batch(rng, max(1, round(options.frames / frames)), options.crop, frames, skip)


class SharedGradients:
    """Every parameter's gradient as a view of one buffer, summed over the workers in one go, with a word for all at its end."""

    def __init__(self, network: torch.nn.Module, workers: int):
        parameters = [p for p in network.parameters() if p.requires_grad]
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
        if self.workers == 1:
            return word
        self.buffer[-1] = word * self.workers
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
    parser.add_argument("--frames", type=int, default=20, help="frames per step and worker")
    parser.add_argument("--pool", type=int, default=4000, help="clips held on the device, 1.5 MB each")
    parser.add_argument("--clean-share", type=float, default=0.0, help="of the clips without inserted frames that are only reduced")
    parser.add_argument("--stream", action="store_true", help="delete shards once read and let new ones replace old clips")
    parser.add_argument("--only", choices=["decoder", "network"], help="train this part; the other stays as it is, at its average")
    parser.add_argument("--compile", action="store_true", help="the network by torch.compile")
    parser.add_argument("--crop", type=int, default=128)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--optimiser", choices=["adamw", "muon"], default="adamw")
    parser.add_argument("--decay", type=float, default=0.25)
    parser.add_argument("--average", type=float, default=0.998)
    parser.add_argument("--validate-minutes", type=float, default=5)
    parser.add_argument("--validate-clips", type=int, default=8, help="0: none")
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
    if device == "cuda":
        torch.backends.cudnn.allow_tf32 = True
        torch.backends.cudnn.benchmark = True
    pool = Pool(options.bank, options.pool // options.workers, device, options.stream, (rank, options.workers), options.clean_share)
    while pool.take() == 0 and pool.count == 0 or options.stream and pool.count < min(1000, options.pool):
        time.sleep(1)
    if "latentScale" not in config:
        config |= measure(pool, factor).to_json()
    stats = LatentStatistics.from_json(config)
    if rank == 0:
        (options.out / "config.json").write_text(json.dumps(config))

    torch.manual_seed(options.seed)
    network = EnhancementNetwork(NetworkConfig.from_json(config)).to(device)
    still = lambda name: options.only is not None and name.startswith("decoder.") != (options.only == "decoder")
    for name, p in network.named_parameters():
        p.requires_grad_(not still(name))
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
        own = network.state_dict()  # what the checkpoint knows nothing of starts as it is
        latest = saved.get("weights", saved["average"])  # a kept checkpoint has only the average
        network.load_state_dict(own | {k: (saved["average"] if still(k) else latest)[k].float() for k in latest})
        averaged = {k: v.clone() for k, v in own.items()} | {k: v.float() for k, v in saved["average"].items()}
        sizes = lambda groups: [len(group["params"]) for group in groups]
        if sizes(saved["moments"]["param_groups"]) == sizes(optimiser.param_groups):
            load_moments(optimiser, saved["moments"])
        done = saved["done"]

    loss_of = Loss(stats, factor, device, options.only == "decoder")
    clips = held_out_clips(options.held_out, options.validate_clips) if options.validate_clips else None
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
        if clips is None:
            return
        shadow.load_state_dict(averaged)
        enhance = Enhancement(autocast_network(shadow, device), stats, factor, shadow.decoder)
        began = time.time()
        figures = validate(enhance, clips, options.out / f"strip_{done['steps']:06d}.png")
        write({"steps": done["steps"], "validation": figures, "seconds": round(time.time() - began, 1)})

    def save() -> None:
        so_far = done | {"minutes": round(done["minutes"] + minutes, 2)}
        torch.save({"weights": network.state_dict(), "average": {k: v.to(torch.float16) for k, v in averaged.items()},
                    "moments": save_moments(optimiser), "done": so_far, "config": config}, options.out / "checkpoint.tmp")
        (options.out / "checkpoint.tmp").replace(options.out / "checkpoint.pt")

    feed = batches(pool, rng, options)
    trained = torch.compile(network) if options.compile else network
    loss_rng = np.random.default_rng([options.seed, rank, done["steps"]])
    last = time.time()
    recent: list[dict] = []
    next_check = options.validate_minutes
    first_step = done["steps"]
    write({"options": {k: str(v) for k, v in vars(options).items()}, "done": dict(done), "clips in the pool": pool.count})
    minutes = 0.0
    while minutes < options.minutes:
        left = 1 - minutes / options.minutes
        warm = min(1.0, (done["steps"] + 1) / 150, (done["steps"] - first_step + 1) / 30)
        rate = options.rate * warm * (min(1.0, left / options.decay) if options.decay else 1.0)
        for group in optimiser.param_groups:
            group["lr"] = rate * group.get("rate_factor", 1.0)
        if done["steps"] % 20 == 0:
            pool.take(1)
        batch = next(feed)
        loss, figures = loss_of(trained, batch, loss_rng)
        gradients.clear()
        loss.backward()
        minutes = gradients.share(minutes + min(time.time() - last, LONGEST_STEP) / 60 if rank == 0 else 0.0)
        last = time.time()
        gradients.buffer.nan_to_num_(0, 0, 0)
        norm = torch.nn.utils.clip_grad_norm_([p for p in network.parameters() if p.requires_grad], 1.0)
        optimiser.step()
        done["steps"] += 1
        done["clips"] += batch.clean.shape[0] * options.workers
        decay = min(options.average, (1 + done["steps"]) / (10 + done["steps"]))
        with torch.no_grad():
            state = network.state_dict()
            torch._foreach_lerp_(list(averaged.values()), [state[k] for k in averaged], 1 - decay)
        recent.append(figures | {"norm": norm})
        if done["steps"] % 100 == 0:
            mean = {k: round(float(torch.stack([r[k] for r in recent]).mean()), 4) for k in recent[0]}
            write({"steps": done["steps"], "clips": done["clips"], "minutes": round(done["minutes"] + minutes, 2),
                   "rate": round(rate, 6), **mean})
            recent = []
        if minutes >= next_check:
            if rank == 0:
                save()
                check()
            last = time.time()
            next_check += options.validate_minutes
    if rank == 0:
        save()
        check()


if __name__ == "__main__":
    main()
