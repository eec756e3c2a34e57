"""Makes training clips of the collected sources (collect.py): clean and degraded frames and the motion between key frames, in shards.

`python -m training.prepare --clips 6000 --out training/.cache/bank --seed 0 [--processes 2] [--pending 40]`
`python -m training.prepare --again training/.cache/bank --out training/.cache/harmed [--processes 2]`: the clips of a bank, all of them harmed (degrade.py)

What a clip is: FRAMES frames of SIZE×SIZE, either cut from a real video or a photograph in synthesised motion (camera pan,
zoom and rotation with sub-pixel accuracy, up to two layers moving over it with occlusion, motion blur), a degraded version at the size that the degradation
left, and a key-frame pattern with the flows between its key frames. Costs about 70 ms of one core a clip. A shard is an .npz of SHARD clips: `clean`, `degraded`
uint8 [N,F,S,S,3] (the degraded picture in the top left corner, `size`×`size`), `first`, `skip` [N], `flows` float16 [N,2,2,S/2,S/2,2]: per interval, forward and backward,
one vector for 2×2 pixels, in pixels. With --pending, waits while that many shards lie unread: to make clips beside a trainer that takes them away (train.py --stream).
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import time
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image

from training.degrade import degrade
from training.latents import from_bytes, to_bytes, upsample
from training.motion import Motion
from training.video import read_video

FRAMES = 9
SIZE = 160
SHARD = 32
PATTERNS = [(2, 0.45), (4, 0.3), (8, 0.25)]  # key-frame skip of the stored flows, and how often


def affine(centre: np.ndarray, angle: float, zoom: float, offset: np.ndarray) -> np.ndarray:
    """Output pixel → source pixel: rotate and zoom about the output's middle, then put it at centre + offset."""
    c, s = math.cos(angle) * zoom, math.sin(angle) * zoom
    linear = np.array([[c, -s], [s, c]])
    middle = np.full(2, (SIZE - 1) / 2)
    return np.hstack([linear, (centre + offset - linear @ middle)[:, None]])


class Path2d:
    """A smooth random motion of the camera or of a layer, per frame time: offset, angle, zoom."""

    def __init__(self, rng: np.random.Generator, speed: float):
        direction = rng.uniform(0, 2 * math.pi)
        self.velocity = speed * np.array([math.cos(direction), math.sin(direction)])
        self.curve = rng.normal(0, 0.05 * speed, 2)
        self.shake = rng.uniform(0, 0.3) * min(speed, 2) if rng.random() < 0.3 else 0.0
        self.phase = rng.uniform(0, 6.28, 2)
        turning = rng.random() < 0.35
        self.turn = rng.normal(0, 0.004) * min(speed, 4) if turning else 0.0
        self.growth = rng.normal(0, 0.006) * min(speed, 3) if turning else 0.0

    def at(self, time: float) -> tuple[np.ndarray, float, float]:
        t = time - (FRAMES - 1) / 2
        offset = self.velocity * t + self.curve * t * abs(t) + self.shake * np.sin(1.7 * t + self.phase)
        return offset, self.turn * t, math.exp(self.growth * t)


def random_speed(rng: np.random.Generator) -> float:
    """Output pixels per frame: a fifth at rest, the rest log-uniform from 0.1 to 7."""
    return 0.0 if rng.random() < 0.2 else float(np.exp(rng.uniform(math.log(0.1), math.log(7))))


def reduced(photo: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photograph at a random size that still holds the crop and its path; shrinking sharpens."""
    smallest = (SIZE + 60) / min(photo.shape[:2])
    if smallest >= 0.9:
        return photo
    factor = float(np.exp(rng.uniform(math.log(max(smallest, 0.2)), math.log(0.95))))
    return cv2.resize(photo, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)


def blob(rng: np.random.Generator, size: int) -> np.ndarray:
    """A soft-edged closed shape: the alpha of a cut-out of another photograph."""
    points = np.linspace(0, 2 * math.pi, 48, endpoint=False)
    radius = 0.34 + sum(rng.normal(0, 0.06 / k) * np.cos(k * points + rng.uniform(0, 6.28)) for k in range(1, 6))
    xy = np.stack([np.cos(points), np.sin(points)], 1) * np.clip(radius, 0.1, 0.48)[:, None] * size + size / 2
    alpha = np.zeros((size * 2, size * 2), np.uint8)
    cv2.fillPoly(alpha, [(xy * 2).astype(np.int32)], 255)
    return cv2.GaussianBlur(cv2.resize(alpha, (size, size), interpolation=cv2.INTER_AREA), (0, 0), rng.uniform(0.4, 1.2))


def layer(rng: np.random.Generator, photos: list[np.ndarray], stamps: list[np.ndarray]) -> np.ndarray:
    """RGBA cut-out 48–150 px across."""
    size = int(rng.integers(48, 150))
    if stamps and rng.random() < 0.5:
        stamp = stamps[rng.integers(len(stamps))]
        shrink = size / max(stamp.shape[:2])
        return cv2.resize(stamp, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA)
    photo = reduced(photos[rng.integers(len(photos))], rng)
    y, x = (int(rng.integers(0, n - size)) for n in photo.shape[:2])
    return np.dstack([photo[y:y + size, x:x + size], blob(rng, size)])


def warp(image: np.ndarray, matrix: np.ndarray, border: int) -> np.ndarray:
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(image, matrix, (SIZE, SIZE), flags=flags, borderMode=border)


def synthesise(rng: np.random.Generator, photos: list[np.ndarray], stamps: list[np.ndarray]) -> np.ndarray:
    """A photograph under a moving camera, with up to two layers moving over it."""
    photo = reduced(photos[rng.integers(len(photos))], rng)
    height, width = photo.shape[:2]
    reach = SIZE / 2 + 4
    centre = np.array([rng.uniform(reach, max(width - reach, reach + 1)), rng.uniform(reach, max(height - reach, reach + 1))])
    zoom, angle = rng.uniform(0.85, 1.1), rng.normal(0, 0.15) if rng.random() < 0.5 else 0.0
    camera = Path2d(rng, random_speed(rng))
    layers = []
    for _ in range(rng.choice([0, 1, 2], p=[0.5, 0.35, 0.15])):
        cut = layer(rng, photos, stamps)
        layers.append((cut, rng.uniform(0, SIZE, 2), rng.uniform(0, 6.28) if rng.random() < 0.3 else 0.0,
                       Path2d(rng, random_speed(rng))))
    blurred = rng.random() < 0.2
    shutter = rng.uniform(0.3, 0.8)

    def render(time: float) -> np.ndarray:
        offset, turn, growth = camera.at(time)
        image = warp(photo, affine(centre, angle + turn, zoom * growth, offset), cv2.BORDER_REFLECT_101)
        for cut, place, spin, path in layers:
            moved, turned, grown = path.at(time)
            c, s = math.cos(spin + turned) * grown, math.sin(spin + turned) * grown
            linear = np.array([[c, -s], [s, c]])
            middle = np.array([cut.shape[1], cut.shape[0]]) / 2
            over = warp(cut, np.hstack([linear, (middle - linear @ (place + moved))[:, None]]), cv2.BORDER_CONSTANT)
            alpha = over[..., 3:].astype(np.float32) / 255
            image = (image * (1 - alpha) + over[..., :3] * alpha + 0.5).astype(np.uint8)
        return image

    frames = []
    for index in range(FRAMES):
        if blurred:
            frames.append(np.mean([render(index + shutter * k / 5) for k in range(6)], axis=0).round().astype(np.uint8))
        else:
            frames.append(render(index))
    return np.stack(frames)


def cut_video(rng: np.random.Generator, video: list[np.ndarray]) -> np.ndarray | None:
    """A crop of a real video, shrunk by a random factor (which also sharpens it), every first or second frame."""
    stride = 2 if rng.random() < 0.25 and len(video) >= 2 * FRAMES else 1
    span = (FRAMES - 1) * stride + 1
    if len(video) < span:
        return None
    start = int(rng.integers(0, len(video) - span + 1))
    height, width = video[0].shape[:2]
    most = min(height, width) / SIZE
    if most < 1:
        return None
    shrink = float(rng.uniform(1, most)) if rng.random() < 0.7 else 1.0
    side = min(int(round(SIZE * shrink)), height, width)
    y, x = int(rng.integers(0, height - side + 1)), int(rng.integers(0, width - side + 1))
    picked = [f[y:y + side, x:x + side] for f in video[start:start + span:stride]]
    clip = np.stack([f if side == SIZE else cv2.resize(f, (SIZE, SIZE), interpolation=cv2.INTER_AREA) for f in picked])
    jumps = np.abs(np.diff(clip[:, ::4, ::4].astype(np.int16), axis=0)).mean((1, 2, 3))
    return None if jumps.max() > 40 else clip  # a cut between shots is no motion


class Sources:
    def __init__(self, folder: Path):
        pictures = lambda kind: [np.asarray(Image.open(p)) for p in sorted((folder / kind).iterdir())]
        self.photos, self.stamps = pictures("photos"), [s for s in pictures("stamps") if s.shape[2] == 4]
        self.videos = [read_video(p) for p in sorted((folder / "videos").iterdir())]


def key_motion(rng: np.random.Generator, degraded: np.ndarray) -> tuple[int, int, np.ndarray]:
    """First frame, skip and flows [2,2,S/2,S/2,2] of a random key-frame pattern, found on the enlarged degraded frames, as in the product."""
    skip = int(rng.choice([k for k, _ in PATTERNS], p=[p for _, p in PATTERNS]))
    intervals = 2 if skip == 2 else 1
    first = int(rng.integers(FRAMES - skip * intervals))
    keys = to_bytes(upsample(from_bytes(degraded[first:first + skip * intervals + 1:skip]), SIZE, SIZE))
    flows = np.zeros((2, 2, SIZE // 2, SIZE // 2, 2), np.float16)
    for k in range(intervals):
        motion = Motion.between(keys[k], keys[k + 1])
        for way, flow in enumerate((motion.forward, motion.backward)):
            flows[k, way] = cv2.resize(flow, (SIZE // 2, SIZE // 2), interpolation=cv2.INTER_AREA)
    return first, skip, flows


def make(rng: np.random.Generator, sources: Sources, video_share: float) -> dict[str, np.ndarray]:
    """One clip, as a shard holds it."""
    while True:
        if sources.videos and rng.random() < video_share:
            clip = cut_video(rng, sources.videos[rng.integers(len(sources.videos))])
        else:
            clip = synthesise(rng, sources.photos, sources.stamps)
        if clip is not None and clip[0].std() >= 6:
            break
    return spoil(rng, clip)


def spoil(rng: np.random.Generator, clip: np.ndarray, harmed: bool = False) -> dict[str, np.ndarray]:
    """A clean clip, as a shard holds it."""
    degraded = degrade(rng, clip, harmed)[0]
    first, skip, flows = key_motion(rng, degraded)
    size = degraded.shape[1]
    placed = np.zeros_like(clip)
    placed[:, :size, :size] = degraded
    return {"clean": clip, "degraded": placed, "size": np.int32(size), "first": np.int32(first), "skip": np.int32(skip), "flows": flows}


def work(process: int, sources: Sources, options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng([options.seed, process])
    for index in range(process, math.ceil(options.clips / SHARD), options.processes):
        while options.pending and len(list(options.out.glob("*.npz"))) >= options.pending:
            time.sleep(0.2)
        save(options.out / f"{options.seed}_{index:05d}.npz", [make(rng, sources, options.video_share) for _ in range(min(SHARD, options.clips - index * SHARD))])


def save(path: Path, made: list[dict[str, np.ndarray]]) -> None:
    """A shard, there at once or not at all."""
    with path.with_suffix(".tmp").open("wb") as file:
        np.savez(file, **{k: np.stack([m[k] for m in made]) for k in made[0]})
    path.with_suffix(".tmp").rename(path)


def work_again(process: int, shards: list[Path], options: argparse.Namespace) -> None:
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    rng = np.random.default_rng([options.seed, process, 1])
    for path in shards[process :: options.processes]:
        save(options.out / path.name, [spoil(rng, clip, harmed=True) for clip in np.load(path)["clean"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sources", type=Path, default=Path("training/.cache/sources/train"))
    parser.add_argument("--clips", type=int, default=6000)
    parser.add_argument("--video-share", type=float, default=0.3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--pending", type=int, default=0)
    parser.add_argument("--again", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    fork = multiprocessing.get_context("fork")  # so that all share one copy of the sources
    if options.again:
        job, given = work_again, sorted(options.again.glob("*.npz"))[: math.ceil(options.clips / SHARD)]
        print(f"{len(given)} shards", flush=True)
    else:
        job, given = work, Sources(options.sources)
        print(f"{len(given.photos)} photographs, {len(given.videos)} videos, {len(given.stamps)} cut-outs", flush=True)
    workers = [fork.Process(target=job, args=(p, given, options)) for p in range(options.processes)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


if __name__ == "__main__":
    main()
