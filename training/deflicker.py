"""The product's deflicker (workers/condition/deflicker.ts), for the evaluation. About 15 ms a frame of 256×192."""

from __future__ import annotations

import cv2
import numpy as np

from training.motion import fetch, flow, luma

REACH = 2
LONGEST_SIDE = 384
BLOCK = 8
MOST_CHANGE = 40
DOUBT = 0.3


def light_change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """uint8 [H,W,3] each, small → grey levels per block [rows, columns, 3]."""
    height, width = before.shape[:2]
    displacement = flow(luma(before), luma(after))
    at = displacement + np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1)
    difference = fetch(after.astype(np.float32), displacement) - before
    inside = (at >= 0).all(-1) & (at[..., 0] <= width - 1) & (at[..., 1] <= height - 1)
    counted = (inside & (np.abs(difference).max(-1) < MOST_CHANGE)).astype(np.float32)[..., None]
    rows, columns = -(-height // BLOCK), -(-width // BLOCK)
    padding = ((0, rows * BLOCK - height), (0, columns * BLOCK - width), (0, 0))
    blocks = lambda x: np.pad(x, padding).reshape(rows, BLOCK, columns, BLOCK, -1).sum((1, 3))
    smooth = lambda x: cv2.GaussianBlur(x, (7, 7), 1, borderType=cv2.BORDER_REFLECT)
    return smooth(blocks(difference * counted)) / (smooth(blocks(counted)) + DOUBT * BLOCK**2)[..., None]


def deflicker(clip: np.ndarray) -> np.ndarray:
    """uint8 [F,H,W,3], one shot."""
    height, width = clip.shape[1:3]
    shrink = 1
    while max(height, width) / shrink > LONGEST_SIDE:
        shrink *= 2
    small = [f if shrink == 1 else cv2.resize(f, (width // shrink, height // shrink), interpolation=cv2.INTER_AREA) for f in clip]
    changes = [light_change(a, b) for a, b in zip(small, small[1:])]
    out = []
    for t, frame in enumerate(clip):
        before, after = changes[max(0, t - REACH):t], changes[t:t + REACH]
        if not before and not after:
            return clip
        weights = [-(i + 1) for i in range(len(before))] + [len(after) - i for i in range(len(after))]
        mean = sum(w * c for w, c in zip(weights, before + after)) / (len(before) + len(after) + 1)
        rows, columns = mean.shape[:2]
        x = (np.arange(width) + 0.5) * (width / shrink / BLOCK) / width - 0.5
        y = (np.arange(height) + 0.5) * (height / shrink / BLOCK) / height - 0.5
        grid = np.meshgrid(x.clip(0, columns - 1).astype(np.float32), y.clip(0, rows - 1).astype(np.float32))
        field = cv2.remap(mean.astype(np.float32), *grid, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        out.append(np.clip(np.rint(frame + field), 0, 255).astype(np.uint8))
    return np.stack(out)
