"""The evaluation's clips and operating points: what is enhanced, and which frames are judged.

Truth: five clips and ten photographs in motion (a slow pan, zoom and turn), each a centre crop; clips of the generator have no truth.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from training.latents import from_bytes, upsample
from training.video import h264, read_video

FRAMES = 9
SKIPPED_FRAMES = 8  # of a clip's start
COMPRESSION = 32  # H.264's quantiser (crf) at 'compressed'


def photo_in_motion(path: Path, frames: int, width: int, height: int, seed: int) -> np.ndarray:
    """A camera moving over the photograph by 1–3 px a frame, turning and zooming slightly. uint8 [frames, height, width, 3]."""
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


def truth_names(data: Path) -> list[str]:
    return [p.stem for p in sorted((data / "eval").glob("*.mp4"))] + [p.stem for p in sorted((data / "eval/photos").iterdir())]


def truth_clip(data: Path, name: str, width: int, height: int) -> np.ndarray:
    """uint8 [FRAMES, height, width, 3]."""
    video = data / "eval" / f"{name}.mp4"
    if video.is_file():
        frames = np.stack(read_video(video, limit=SKIPPED_FRAMES + FRAMES)[SKIPPED_FRAMES:])
        y, x = (frames.shape[1] - height) // 2, (frames.shape[2] - width) // 2
        return np.ascontiguousarray(frames[:, y:y + height, x:x + width])
    photos = sorted((data / "eval/photos").iterdir())
    seed = [p.stem for p in photos].index(name)
    return photo_in_motion(photos[seed], FRAMES, width, height, seed)


@dataclass(frozen=True)
class Point:
    """An operating point. Factor 1 takes the middle five frames and judges three of them; others all nine, inserted frames judged."""

    name: str
    scale: float
    factor: int
    harm: str = ""  # 'compressed' or 'flickering'

    @property
    def window(self) -> slice:
        return slice(2, 7) if self.factor == 1 else slice(0, FRAMES)

    @property
    def frames(self) -> int:
        return 5 if self.factor == 1 else FRAMES

    @property
    def keys(self) -> list[int]:
        return list(range(0, self.frames, self.factor))

    @property
    def judged(self) -> list[int]:
        """Positions within the window, compared with the truth."""
        return {1: [1, 2, 3], 2: [3, 5], 4: [1, 2, 3], 8: [2, 4, 6]}[self.factor]

    @property
    def watched(self) -> list[int]:
        """Consecutive positions, judged in time."""
        return {1: [1, 2, 3], 2: [3, 4, 5], 4: [1, 2, 3, 4], 8: [3, 4, 5]}[self.factor]

    def low(self, truth: np.ndarray) -> np.ndarray:
        """The degraded key frames, uint8 [K, h, w, 3], of a whole truth clip."""
        frames = truth[self.window][self.keys]
        if self.scale != 1:
            size = (round(frames.shape[2] / self.scale), round(frames.shape[1] / self.scale))
            frames = np.stack([np.asarray(Image.fromarray(f).resize(size, Image.BICUBIC)) for f in frames])
        if self.harm == "compressed":
            return h264(frames, COMPRESSION, "medium")
        return flickering(frames) if self.harm == "flickering" else frames


POINTS = [
    Point("scale 2", 2, 1), Point("scale 4", 4, 1), Point("factor 2", 1, 2), Point("flickering", 1, 1, "flickering"),
    Point("compressed", 1, 1, "compressed"), Point("factor 4", 1, 4), Point("scale 2, factor 2", 2, 2), Point("scale 8", 8, 1),
    Point("compressed, scale 2", 2, 1, "compressed"), Point("flickering, scale 2", 2, 1, "flickering"),
    Point("factor 8", 1, 8), Point("scale 3.5, factor 2", 3.5, 2),
]
SWEPT = ("scale 2", "scale 4", "compressed")  # points that are run at many strengths


def flickering(clip: np.ndarray) -> np.ndarray:
    """Brightness and colour that change from frame to frame by some 3 %, evenly and in patches; fine detail that comes and goes."""
    rng = np.random.default_rng(7)
    frames = []
    for frame in clip.astype(np.float32):
        gain = 1 + 0.03 * rng.standard_normal() + 0.01 * rng.standard_normal(3)
        patches = 0.03 * rng.standard_normal((4, 4)).astype(np.float32)
        detail = rng.uniform(0.5, 1.2, (5, 5)).astype(np.float32)
        size = frame.shape[1::-1]
        soft = cv2.GaussianBlur(frame, (0, 0), 1)
        frame = soft + (frame - soft) * cv2.resize(detail, size)[..., None]
        frames.append(frame * (gain + cv2.resize(patches, size, interpolation=cv2.INTER_CUBIC)[..., None]))
    return np.clip(np.stack(frames) + 0.5, 0, 255).astype(np.uint8)


def enlarged(low: np.ndarray, height: int, width: int) -> Tensor:
    """The product's bicubic, [K, 3, H, W] in −1…1."""
    return upsample(from_bytes(low), height, width)


def generated_clip(path: Path, keys: int) -> np.ndarray:
    """The first frames of a generated clip, uint8."""
    return np.stack(read_video(path, limit=keys))


def set_single_thread() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
