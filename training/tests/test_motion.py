"""Motion between key frames: shifts are found, agreement is told, key frames stay as they are."""

import numpy as np
import torch

from training.motion import Motion, fill


def texture(dx: float, dy: float) -> np.ndarray:
    y, x = np.mgrid[0:96, 0:128].astype(np.float64)
    x, y = x - dx, y - dy
    value = 128 + 50 * np.sin(0.31 * x + 0.17 * y) + 40 * np.sin(0.13 * x - 0.23 * y + 1)
    return np.repeat(value[..., None], 3, 2).clip(0, 255).astype(np.uint8)


def test_velocity_is_the_shift():
    velocities = Motion.between(texture(0, 0), texture(4, -2)).velocities(0.5)
    error = np.abs(np.stack([velocities.forward, velocities.backward])[:, 16:-16, 16:-16] - [4, -2])
    assert np.median(error) < 0.1


def test_inserted_frames_are_carried():
    keys = torch.stack([torch.from_numpy(texture(x, 0)).permute(2, 0, 1).float() / 127.5 - 1 for x in (0, 4)])
    frames, mismatch = fill(keys, 5, [0, 4])
    assert torch.equal(frames[0], keys[0]) and torch.equal(frames[4], keys[1])
    truth = torch.from_numpy(texture(2, 0)).permute(2, 0, 1).float() / 127.5 - 1
    blend = (keys[0] + keys[1]) / 2
    inside = (..., slice(16, -16), slice(16, -16))
    assert (frames[2] - truth)[inside].abs().mean() < 0.1 * (blend - truth)[inside].abs().mean()
    assert mismatch[0].abs().max() == 0 and mismatch[2][inside].mean() < 1e-3


def test_one_key_frame_stands_still():
    key = torch.rand(1, 3, 32, 48) * 2 - 1
    frames, mismatch = fill(key, 1, [0])
    assert torch.equal(frames, key) and mismatch.abs().max() == 0
