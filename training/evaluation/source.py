"""What the model leans on, made by the product's own code (workers/condition, by `tools/source-pictures.ts` in Node): key frames enlarged, and between
them what their motion says. The trainer has OpenCV's search for the same (`training/motion.py`), which finds less of large motion (docs/nano.md).
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class SourceFrames:
    frames: Tensor  # [F,3,H,W] in −1…1
    mismatch: Tensor  # [F,h,w]: how badly the key frames agree on an inserted frame, per latent
    keys: list[int]


@lru_cache
def _product() -> subprocess.Popen:
    command = ["node", "--import", "tsx", str(ROOT / "tools/source-pictures.ts")]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def source_frames(low: np.ndarray, height: int, width: int, keys: list[int], factor: int) -> SourceFrames:
    """Key frames uint8 [K,h,w,3] of the frames `keys`, the first of them 0 → all frames at the output's size, in whole latents."""
    assert keys[0] == 0 and len(keys) == len(low)
    product = _product()
    request = {"width": low.shape[2], "height": low.shape[1], "outWidth": width, "outHeight": height, "factor": factor, "keys": keys}
    product.stdin.write(json.dumps(request).encode() + b"\n" + np.pad(low, ((0, 0),) * 3 + ((0, 1),), constant_values=255).tobytes())
    product.stdin.flush()
    picture, latents = 3 * height * width, (height // factor) * (width // factor)
    wanted = 4 * (keys[-1] + 1) * (picture + latents)
    answer = product.stdout.read(wanted)
    if len(answer) < wanted:
        raise RuntimeError("tools/source-pictures.ts ended: what it said is above")
    values = torch.from_numpy(np.frombuffer(answer, np.float32).copy()).view(keys[-1] + 1, picture + latents)
    return SourceFrames(values[:, :picture].reshape(-1, 3, height, width), values[:, picture:].reshape(-1, height // factor, width // factor), keys)
