"""Batches from shards: crops agree with their clips, frames between key frames with motion.fill, consumed shards go away."""

from pathlib import Path

import numpy as np
import torch

from training.data import Pool, reduction
from training.degrade import shrink
from training.latents import from_bytes, to_bytes, upsample
from training.motion import fill
from training.prepare import FRAMES, SIZE, key_motion


def moving(count: int) -> np.ndarray:
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float64)
    value = lambda t: 128 + 50 * np.sin(0.31 * (x - 1.5 * t) + 0.17 * y) + 40 * np.sin(0.13 * (x - 1.5 * t) - 0.23 * y + 1)
    return np.stack([np.repeat(value(t)[..., None], 3, 2) for t in range(count)]).clip(0, 255).astype(np.uint8)


def write_shard(folder: Path, size: int) -> dict:
    clip = moving(FRAMES)
    degraded = clip if size == SIZE else np.ascontiguousarray(clip[:, ::SIZE // size, ::SIZE // size])
    first, skip, flows = key_motion(np.random.default_rng(3), degraded)
    placed = np.zeros_like(clip)
    placed[:, :size, :size] = degraded
    shard = {"clean": clip, "degraded": placed, "size": np.int32(size), "first": np.int32(first), "skip": np.int32(skip), "flows": flows}
    np.savez(folder / "0.npz", **{k: v[None] for k, v in shard.items()})
    return shard


def test_a_batch_is_what_the_product_would_see(tmp_path):
    shard = write_shard(tmp_path, SIZE // 2)
    pool = Pool([tmp_path], 4, "cpu")
    assert pool.take() == 1 and pool.take() == 0
    skip, first = int(shard["skip"]), int(shard["first"])
    frames = skip * 2 + 1 if skip == 2 else skip + 1
    batch = pool.batch(np.random.default_rng(0), 1, SIZE, frames, skip)
    keys = from_bytes(shard["degraded"][first:first + frames:skip, :SIZE // 2, :SIZE // 2])
    made, mismatch = fill(upsample(keys, SIZE, SIZE), frames, batch.keys)
    truth = from_bytes(shard["clean"][first:first + frames])
    # Some of the eight ways to turn a square and both directions of time must give the same.
    turns = [(t, r, f) for t in (False, True) for r in range(4) for f in (False, True)]

    def turned(x: torch.Tensor, t: bool, r: int, f: bool) -> torch.Tensor:
        x = torch.rot90(x.flip(0) if f else x, r, (-2, -1))
        return x.transpose(-1, -2) if t else x

    errors = [float((turned(truth, *turn) - batch.clean[0]).abs().max()) for turn in turns]
    best = turns[int(np.argmin(errors))]
    assert min(errors) == 0
    assert (turned(made, *best) - batch.source[0]).abs().mean() < 0.004
    assert (turned(mismatch, *best) - batch.mismatch[0]).abs().mean() < 1e-3
    assert float(batch.scale[0]) == 2


def test_clean_reductions_are_pillows():
    picture = moving(1)
    mine = reduction(SIZE, "cpu")[70] @ from_bytes(picture) @ reduction(SIZE, "cpu")[70].T
    assert np.abs(to_bytes(mine[..., :70, :70])[0].astype(int) - shrink(picture, 70, "bicubic")[0]).max() <= 1


def test_consumed_shards_replace_the_oldest(tmp_path):
    pool = Pool([tmp_path], 1, "cpu", consume=True)
    for _ in range(2):
        write_shard(tmp_path, SIZE)
        assert pool.take() == 1
        assert not list(tmp_path.glob("*.npz"))
    assert (pool.count, pool.seen) == (1, 2)
