"""Training batches from shards of clips (prepare.py), made on the trainer's device: enlarging, motion between key frames, crops and flips.

A pool keeps `capacity` clips on the device (1.5 MB each) and takes in shards as they appear in its folders; with `consume` it deletes what it has
taken and replaces its oldest clips for ever. A batch of 64 clips of 5 frames takes some ms of a GPU, 0.1 s of a core.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import zip_longest
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.latents import antialiased_matrix, bicubic_matrix, from_bytes
from training.motion import AGREEMENT_SIDE, DOUBT, PROJECTIONS
from training.refinement import luma

SMALLEST = 20


@dataclass
class Batch:
    clean: Tensor  # [B, F, 3, S, S] in −1…1
    source: Tensor  # upsampled degraded frames [B, F, 3, S, S]; between key frames made from them by motion
    mismatch: Tensor  # [B, F, S, S]: how badly they agree there
    scale: Tensor  # [B]
    reduced: np.ndarray  # [B] whether a clip was only reduced, and not degraded otherwise
    keys: list[int]

    def only(self, clips: Tensor) -> "Batch":
        return replace(self, **{name: getattr(self, name)[clips] for name in TENSORS}, reduced=self.reduced[clips.cpu().numpy()])

    def to(self, device: str) -> "Batch":
        return replace(self, **{name: getattr(self, name).to(device) for name in TENSORS})


TENSORS = ("clean", "source", "mismatch", "scale")


def fetch(image: Tensor, displacement: Tensor, mode: str = "bilinear") -> Tensor:
    """image [B,C,H,W] at x + displacement(x) [B,H,W,2] in pixels, edges held."""
    height, width = image.shape[-2:]
    y, x = torch.meshgrid(torch.arange(height, device=image.device), torch.arange(width, device=image.device), indexing="ij")
    at = torch.stack([x, y], -1) + displacement
    size = torch.tensor([width - 1, height - 1], device=image.device)
    return F.grid_sample(image, 2 * at / size - 1, mode, "border", align_corners=True)


def projected(flow: Tensor, share: float) -> Tensor:
    """motion.projected for flows [B,H,W,2]."""
    planes = flow.permute(0, 3, 1, 2)
    displacement = -share * flow
    for _ in range(PROJECTIONS):
        displacement = -share * fetch(planes, displacement).permute(0, 2, 3, 1)
    return displacement


def between(a: Tensor, b: Tensor, forward: Tensor, backward: Tensor, w: float) -> tuple[Tensor, Tensor]:
    """Key frames [B,3,H,W] and flows [B,H,W,2] → the frame at fraction w and its mismatch [B,H,W]; as motion.fill."""
    by_forward, by_backward = projected(forward, w) / -w, projected(backward, 1 - w) / (1 - w)
    grey = luma(torch.cat([a, b])).chunk(2)

    def disagreement(v: Tensor) -> Tensor:
        difference = (fetch(grey[0], -w * v) - fetch(grey[1], (1 - w) * v)).abs()
        edge = AGREEMENT_SIDE // 2
        return F.avg_pool2d(F.pad(difference, (edge,) * 4, "replicate"), AGREEMENT_SIDE, 1)[:, 0, :, :, None]

    trust = torch.sigmoid((disagreement(by_backward) - disagreement(by_forward)) * (127.5 / DOUBT)).permute(0, 3, 1, 2)

    def along(image: Tensor, share: float) -> Tensor:
        return trust * fetch(image, share * by_forward, "bicubic") + (1 - trust) * fetch(image, share * by_backward, "bicubic")

    a, b = along(a, -w), along(b, 1 - w)
    return (1 - w) * a + w * b, luma(a - b)[:, 0].square()


class Pool:
    def __init__(
        self, folders: list[Path], capacity: int, device: str, consume: bool = False, share: tuple[int, int] = (0, 1), clean_share: float = 0.0
    ):
        """share: this trainer's number among how many, each of which reads its own shards. clean_share: of the clips without inserted frames, as many
        are reduced anew instead, by the bicubic kernel and nothing else."""
        self.folders, self.capacity, self.device, self.consume, self.share = folders, capacity, device, consume, share
        self.clean_share = clean_share
        self.taken: set[Path] = set()
        self.clips: dict[str, Tensor] = {}
        self.skips = np.zeros(capacity, np.int64)  # on the host, to draw from
        self.firsts = np.zeros(capacity, np.int64)
        self.count, self.next = 0, 0
        self.seen = 0

    def take(self, most: int = 10**9) -> int:
        """Takes in up to `most` shards that are new; the number taken."""
        rank, workers = self.share
        lists = [sorted(folder.glob("*.npz"))[rank::workers] for folder in self.folders]
        own = [p for row in zip_longest(*lists) for p in row if p]  # as many of each as there is room for
        new = [p for p in own if p not in self.taken]
        room = new if self.consume else new[: max(0, self.capacity - self.count)]
        for path in room[:most]:
            self._put(dict(np.load(path)))
            if self.consume:
                path.unlink()
            else:
                self.taken.add(path)
        return min(len(room), most)

    def _put(self, shard: dict[str, np.ndarray]) -> None:
        if not self.clips:
            blank = lambda v: torch.zeros(self.capacity, *v.shape[1:], dtype=torch.from_numpy(v[:1]).dtype, device=self.device)
            self.clips = {k: blank(shard[k]) for k in ("clean", "degraded", "size", "flows")}
        n = min(len(shard["size"]), self.capacity - self.next)
        part = slice(self.next, self.next + n)
        for name, tensor in self.clips.items():
            tensor[part] = torch.from_numpy(shard[name][:n]).to(self.device)
        self.skips[part], self.firsts[part] = shard["skip"][:n], shard["first"][:n]
        self.count = max(self.count, self.next + n)
        self.next = (self.next + n) % self.capacity
        self.seen += n

    def batch(self, rng: np.random.Generator, size: int, crop: int, frames: int, skip: int) -> Batch:
        clean_all, full = self.clips["clean"], self.clips["clean"].shape[2]
        if skip == 1:
            picked = rng.integers(self.count, size=size)
            firsts = rng.integers(clean_all.shape[1] - frames + 1, size=size)
        else:
            fitting = np.flatnonzero(self.skips[:self.count] == skip)
            picked = rng.choice(fitting, size)
            firsts = self.firsts[picked]
        put = lambda x: torch.as_tensor(x, device=self.device)
        index, first = put(picked)[:, None], put(firsts)[:, None]
        clean = from_bytes(clean_all[index, first + put(np.arange(frames))])
        keys = list(range(0, frames, skip))
        low = from_bytes(self.clips["degraded"][index, first + put(np.array(keys))])
        sizes = self.clips["size"][put(picked)].long()
        reduced = rng.random(size) < (self.clean_share if skip == 1 else 0)
        if reduced.any():
            anew = put(reduced)
            drawn = put(np.maximum(SMALLEST, np.round(full / clean_scales(rng, size))).astype(np.int64))
            reduce = reduction(full, str(self.device))[drawn][:, None, None]
            small = ((reduce @ clean @ reduce.mT).clamp(-1, 1) * 127.5).round() / 127.5
            low = torch.where(anew[:, None, None, None, None], small, low)
            sizes = torch.where(anew, drawn, sizes)
        matrix = upsampling(full, str(self.device))[sizes][:, None, None]
        up = (matrix @ low @ matrix.mT).clamp(-1, 1)
        mismatch = torch.zeros(size, frames, full, full, device=self.device)
        if skip > 1:
            up, mismatch = self._filled(up, put(picked), keys, frames, mismatch)
        y, x = rng.integers(0, full - crop + 1, (2, size, 1))
        ahead = np.arange(crop)[None]
        rows, columns = (np.where(rng.random((size, 1)) < 0.5, o + ahead, o + crop - 1 - ahead) for o in (y, x))
        rows, columns = put(rows)[:, None, :, None], put(columns)[:, None, None, :]
        each = torch.arange(size, device=self.device)[:, None, None, None]
        every = torch.arange(frames, device=self.device)[None, :, None, None]
        cut = lambda t: t.movedim(2, -1)[each, every, rows, columns].movedim(-1, 2) if t.ndim == 5 else t[each, every, rows, columns]
        parts = [cut(clean), cut(up), cut(mismatch)]
        if rng.random() < 0.5:
            parts = [t.transpose(-1, -2) for t in parts]
        if rng.random() < 0.5:
            parts = [t.flip(1) for t in parts]  # the key frames are symmetric in time
        scale = full / sizes.float()
        return Batch(*(t.contiguous() for t in parts), scale, reduced, keys)

    def _filled(self, up: Tensor, picked: Tensor, keys: list[int], frames: int, mismatch: Tensor) -> tuple[Tensor, Tensor]:
        out = up.new_empty(up.shape[0], frames, *up.shape[2:])
        out[:, keys] = up
        flows = self.clips["flows"][picked].float()
        whole = lambda f: F.interpolate(f.permute(0, 3, 1, 2), scale_factor=2, mode="bilinear").permute(0, 2, 3, 1)
        for p, (start, end) in enumerate(zip(keys, keys[1:])):
            forward, backward = whole(flows[:, p, 0]), whole(flows[:, p, 1])
            for frame in range(start + 1, end):
                w = (frame - start) / (end - start)
                out[:, frame], mismatch[:, frame] = between(up[:, p], up[:, p + 1], forward, backward, w)
        return out, mismatch


def clean_scales(rng: np.random.Generator, size: int) -> np.ndarray:
    """2 for two fifths, 4 for three tenths, else anything from 1 to 8."""
    share = rng.random(size)
    return np.where(share < 0.4, 2.0, np.where(share < 0.7, 4.0, np.exp(rng.uniform(0, np.log(8), size))))


@lru_cache
def reduction(full: int, device: str) -> Tensor:
    """[full+1, full, full]: at n the matrix that reduces full to the first n, antialiased bicubic as Pillow's; the identity at n = full."""
    table = torch.zeros(full + 1, full, full)
    for n in range(SMALLEST, full):
        table[n, :n] = antialiased_matrix(full, n)
    table[full] = torch.eye(full)
    return table.to(device)


@lru_cache
def upsampling(full: int, device: str) -> Tensor:
    """[full+1, full, full]: at n the matrix that enlarges the first n to full, zero beyond; the identity at n = full."""
    table = torch.zeros(full + 1, full, full)
    for n in range(SMALLEST, full):
        table[n, :, :n] = bicubic_matrix(n, full)
    table[full] = torch.eye(full)
    return table.to(device)


def held_out_clips(folder: Path, count: int) -> Tensor:
    """Clean held-out clips [N, F, 3, S, S], evenly picked."""
    clean = np.concatenate([np.load(p)["clean"] for p in sorted(folder.glob("*.npz"))])
    return from_bytes(clean[np.linspace(0, len(clean) - 1, count).round().astype(int)])
