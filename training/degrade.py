"""What users' clips have suffered: resampling, sensor noise, H.264, and what video generators leave behind.

`degrade(rng, clip)` takes uint8 [F,S,S,3] and gives uint8 [F,n,n,3] with n = round(S/scale): the scale is real-valued, from 1
to 8. Four tenths of the clips come out clean or nearly so, so that good input is not damaged; with `harmed` none does, and more come at scales 1 and 2, as
users' compressed and generated clips do.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from PIL import Image

from training.video import h264

KERNELS = {"bicubic": Image.BICUBIC, "area": Image.BOX, "bilinear": Image.BILINEAR, "lanczos": Image.LANCZOS}


def shrink(clip: np.ndarray, size: int, kernel: str) -> np.ndarray:
    """Antialiased reduction of every frame to size×size."""
    if size == clip.shape[1]:
        return clip
    return np.stack([np.asarray(Image.fromarray(f).resize((size, size), KERNELS[kernel])) for f in clip])


def sensor_noise(rng: np.random.Generator, clip: np.ndarray, level: float) -> np.ndarray:
    """Gaussian noise that grows with brightness, partly the same in all channels, new in every frame."""
    x = clip.astype(np.float32)
    grey = rng.standard_normal(clip.shape[:3], dtype=np.float32)[..., None]
    own = rng.standard_normal(clip.shape, dtype=np.float32)
    noise = (0.7 * grey + 0.5 * own) * level * np.sqrt(0.4 + 0.6 * x / 255)
    return np.clip(x + noise + 0.5, 0, 255).astype(np.uint8)


def flicker(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
    """Brightness and colour that change from frame to frame, evenly or in patches."""
    strength = rng.uniform(0.01, 0.06)
    frames = []
    for frame in clip.astype(np.float32):
        gain = 1 + strength * rng.standard_normal() + 0.3 * strength * rng.standard_normal(3)
        if rng.random() < 0.5:
            patches = rng.standard_normal((4, 4), dtype=np.float32) * strength
            gain = gain + cv2.resize(patches, frame.shape[1::-1], interpolation=cv2.INTER_CUBIC)[..., None]
        frames.append(frame * gain)
    return np.clip(np.stack(frames) + 0.5, 0, 255).astype(np.uint8)


def texture_flicker(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
    """Fine detail whose strength comes and goes by patch and frame."""
    frames = []
    for frame in clip.astype(np.float32):
        low = cv2.GaussianBlur(frame, (0, 0), rng.uniform(0.8, 1.8))
        field = cv2.resize(rng.uniform(0.2, 1.3, (5, 5)).astype(np.float32), frame.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        frames.append(low + (frame - low) * field[..., None])
    return np.clip(np.stack(frames) + 0.5, 0, 255).astype(np.uint8)


def smear(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
    """Detail wiped as a generator or a denoiser wipes it: edges stay, texture goes."""
    width = int(rng.choice([3, 5]))
    if rng.random() < 0.5:
        return np.stack([cv2.medianBlur(np.ascontiguousarray(f), width) for f in clip])
    return np.stack([cv2.bilateralFilter(np.ascontiguousarray(f), 5, rng.uniform(15, 45), rng.uniform(1, 3)) for f in clip])


def wobble(rng: np.random.Generator, clip: np.ndarray) -> np.ndarray:
    """Edges that bend and swim: a small smooth displacement, partly new in every frame."""
    height, width = clip.shape[1:3]
    grid_y, grid_x = np.mgrid[0:height, 0:width].astype(np.float32)
    cells = max(3, width // 16)
    reach = rng.uniform(0.2, 0.9)
    steady = rng.standard_normal((2, cells, cells))
    frames = []
    for frame in clip:
        field = (0.6 * steady + 0.6 * rng.standard_normal((2, cells, cells))).astype(np.float32) * reach
        dx, dy = (cv2.resize(f, (width, height), interpolation=cv2.INTER_CUBIC) for f in field)
        frames.append(cv2.remap(frame, grid_x + dx, grid_y + dy, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(frames)


SCALES = {False: (0.18, 0.25, 0.23), True: (0.45, 0.3, 0.15)}  # shares of scale 1, 2 and 4, by `harmed`


def random_scale(rng: np.random.Generator, harmed: bool) -> float:
    u = rng.random()
    for scale, share in zip((1.0, 2.0, 4.0), SCALES[harmed]):
        if u < share:
            return scale
        u -= share
    return float(np.exp(rng.uniform(0, math.log(8))))


def degrade(rng: np.random.Generator, clip: np.ndarray, harmed: bool = False) -> tuple[np.ndarray, str]:
    """A degraded copy at its own size, and a word for what was done."""
    scale = random_scale(rng, harmed)
    size = max(round(clip.shape[1] / scale), 20)
    if not harmed and rng.random() < 0.4:
        kernel = str(rng.choice(["bicubic", "area", "lanczos"], p=[0.6, 0.25, 0.15]))
        out = shrink(clip, size, kernel)
        if rng.random() < 0.35:
            return h264(out, int(rng.integers(10, 21))), "nearly clean"
        return out, "clean"
    out, done = clip, []
    if rng.random() < 0.35:
        width = rng.uniform(0.2, 0.45) * max(scale, 1.5)
        out = np.stack([cv2.GaussianBlur(f, (0, 0), width) for f in out])
        done.append("blur")
    out = shrink(out, size, str(rng.choice(list(KERNELS), p=[0.45, 0.25, 0.2, 0.1])))
    if rng.random() < 0.2:
        out = (smear if rng.random() < 0.5 else wobble)(rng, out)
        done.append("generator")
    if rng.random() < 0.18:
        out = flicker(rng, out) if rng.random() < 0.6 else texture_flicker(rng, out)
        done.append("flicker")
    if rng.random() < 0.3:
        out = sensor_noise(rng, out, rng.uniform(1, 10))
        done.append("noise")
    if rng.random() < (0.9 if harmed else 0.75):
        preset = "medium" if harmed and rng.random() < 0.5 else "veryfast"
        out = h264(out, int(rng.integers(*((20, 39) if harmed else (16, 36)))), preset)
        done.append("h264")
    return out, "+".join(done) or "clean"
