"""Reads prepared banks and makes training batches: crops, flips, key frames, and the product's bicubic upsampling."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.latents import bicubic_matrix, from_bytes, upsample
from training.motion import fill


@dataclass
class Batch:
    clean: Tensor  # [B, F, 3, S, S] in −1…1
    source: Tensor  # upsampled degraded frames [B, F, 3, S, S]; between key frames made from them by motion
    mismatch: Tensor  # [B, F, S, S]: how badly they agree there, motion.fill
    scale: Tensor  # [B]
    keys: list[int]


class Bank:
    def __init__(self, folder: Path):
        head = json.loads((folder / "index.json").read_text())
        self.frames, self.size, self.clips = head["frames"], head["size"], head["clips"]
        shape = (len(self.clips), self.frames, self.size, self.size, 3)
        self.clean = np.memmap(folder / "clean.bin", np.uint8, "r", shape=shape)
        self.degraded = np.memmap(folder / "degraded.bin", np.uint8, "r")

    def variant(self, clip: int, variant: int) -> np.ndarray:
        entry = self.clips[clip]["variants"][variant]
        n = entry["size"]
        return self.degraded[entry["offset"]:entry["offset"] + self.frames * n * n * 3].reshape(self.frames, n, n, 3)


class Banks:
    """Several banks as one; a folder may gain banks between calls of `refresh`."""

    def __init__(self, folders: list[Path]):
        self.folders, self.banks = folders, []
        self.refresh()

    def refresh(self) -> None:
        known = {bank.folder for bank in self.banks}
        for folder in self.folders:
            if folder not in known and (folder / "index.json").is_file():
                bank = Bank(folder)
                bank.folder = folder
                self.banks.append(bank)

    def __len__(self) -> int:
        return sum(len(bank.clips) for bank in self.banks)

    def pick(self, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """A clean clip and one of its degraded versions."""
        index = int(rng.integers(len(self)))
        for bank in self.banks:
            if index < len(bank.clips):
                break
            index -= len(bank.clips)
        return bank.clean[index], bank.variant(index, int(rng.integers(len(bank.clips[index]["variants"]))))

    def batch(self, rng: np.random.Generator, size: int, crop: int, frames: int, skip: int) -> Batch:
        keys = list(range(0, frames, skip))
        clean, source, mismatches, scales = [], [], [], []
        for _ in range(size):
            whole, degraded = self.pick(rng)
            n, full = degraded.shape[1], whole.shape[1]
            first = int(rng.integers(whole.shape[0] - frames + 1))
            y, x = (int(v) for v in rng.integers(0, full - crop + 1, 2))
            target = from_bytes(np.ascontiguousarray(whole[first:first + frames, y:y + crop, x:x + crop]))
            low = from_bytes(np.ascontiguousarray(degraded[first:first + frames:skip]))
            part = (..., slice(y, y + crop), slice(x, x + crop))
            if n == full:
                up = low
            elif skip == 1:
                matrix = bicubic_matrix(n, full)
                up, part = (matrix[y:y + crop] @ low @ matrix[x:x + crop].T).clamp(-1, 1), ...
            else:  # motion is found on the whole picture, as in the product
                matrix = bicubic_matrix(n, full)
                up = (matrix @ low @ matrix.T).clamp(-1, 1)
            if skip == 1:
                up, mismatch = up[part], torch.zeros(frames, crop, crop)
            else:
                up, mismatch = (t[part] for t in fill(up, frames, keys))
            flips = [axis for axis in (-1, -2) if rng.random() < 0.5]
            if flips:
                target, up, mismatch = target.flip(flips), up.flip(flips), mismatch.flip(flips)
            if rng.random() < 0.5:
                target, up, mismatch = (t.transpose(-1, -2) for t in (target, up, mismatch))
            if rng.random() < 0.5:
                target, up, mismatch = target.flip(0), up.flip(0), mismatch.flip(0)  # the key frames are symmetric in time
            clean.append(target)
            source.append(up)
            mismatches.append(mismatch)
            scales.append(full / n)
        return Batch(torch.stack(clean), torch.stack(source), torch.stack(mismatches), torch.tensor(scales), keys)


def held_out_clips(folder: Path, count: int) -> Tensor:
    """Clean held-out clips [N, F, 3, S, S], evenly picked."""
    bank = Bank(folder)
    picked = np.linspace(0, len(bank.clips) - 1, count).round().astype(int)
    return from_bytes(np.stack([bank.clean[i] for i in picked]))


__all__ = ["Bank", "Banks", "Batch", "held_out_clips", "upsample"]
