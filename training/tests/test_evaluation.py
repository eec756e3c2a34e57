"""The evaluation's own arithmetic: figures move the way they must, points ask for what they say, tables tell misses."""

import numpy as np
import pytest
import torch

from training.evaluation import report
from training.evaluation.clips import FRAMES, POINTS, Point, flickering
from training.evaluation.metrics import Motion, detail, haarpsi, niqe
from training.evaluation.package import Run, fix_colour
from training.evaluation.source import source_frames
from training.latents import from_bytes, to_bytes
from training.ssimulacra2 import distance as ssimulacra2_distance
from training.validate import ssimulacra2


def moving(frames: int = 4, size: int = 192) -> np.ndarray:
    """A smooth texture that moves by a pixel a frame."""
    rng = np.random.default_rng(0)
    coarse = rng.uniform(40, 210, (24, 24, 3)).astype(np.float32)
    import cv2

    wide = cv2.resize(coarse, (size + 16, size + 16), interpolation=cv2.INTER_CUBIC) + rng.normal(0, 4, (size + 16, size + 16, 1))
    return np.clip(np.stack([wide[4:4 + size, 4 + f:4 + f + size] for f in range(frames)]), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("point", POINTS, ids=lambda p: p.name)
def test_points_judge_what_they_make(point: Point):
    assert point.keys[-1] == point.frames - 1, "a window ends on a key frame"
    if point.factor > 1:
        assert not set(point.judged) & set(point.keys), "only inserted frames are judged"
    assert max(point.watched) < point.frames and np.diff(point.watched).tolist() == [1] * (len(point.watched) - 1)
    truth = np.zeros((FRAMES, 192, 256, 3), np.uint8)
    low = point.low(truth)
    assert low.shape == (len(point.keys), round(192 / point.scale), round(256 / point.scale), 3)


def test_haarpsi_tells_blur():
    import cv2

    clip = moving()
    assert haarpsi(clip[0], clip[0]) > 0.9999
    scores = [haarpsi(clip[0], cv2.GaussianBlur(clip[0], (0, 0), s)) for s in (0.5, 1, 2)]
    assert scores == sorted(scores, reverse=True) and scores[0] < 1 and scores[-1] > 0


def test_niqe_prefers_the_clean():
    clip = moving()
    noisy = np.clip(clip + np.random.default_rng(1).normal(0, 60, clip.shape), 0, 255).astype(np.uint8)
    assert 0 < niqe(clip[:3]) < niqe(noisy[:3])


def test_flicker_is_of_brightness_and_warping_of_everything():
    clip = moving()
    motion = Motion(clip)
    assert 0.8 < motion.speed < 1.2
    clean, flickered = motion.judge(clip), motion.judge(flickering(clip))
    noisy = motion.judge(np.clip(clip + np.random.default_rng(1).normal(0, 8, clip.shape), 0, 255).astype(np.uint8))
    assert flickered["flicker"] > 4 * clean["flicker"]
    assert noisy["warping"] > clean["warping"] + 3 and noisy["flicker"] < flickered["flicker"]
    assert detail(np.clip(clip + np.random.default_rng(1).normal(0, 8, clip.shape), 0, 255).astype(np.uint8)) > detail(clip)


def test_colour_fix_brings_back_the_sources_colour_alone():
    torch.manual_seed(0)
    source = torch.rand(2, 3, 48, 64) - 0.5
    assert torch.allclose(fix_colour(source + 0.2, source), source, atol=1e-6)
    fine = 0.1 * (-1.0) ** (torch.arange(64) + torch.arange(48)[:, None])
    assert torch.allclose(fix_colour(source + fine, source), source + fine, atol=1e-3)


def test_runs_are_told_apart():
    runs = [Run(s, n, w, c) for s in (0.0, 0.3) for n in (1, 4) for w in ("whole",) for c in (True, False)] + [Run(network="none")]
    assert len({r.name for r in runs}) == len(runs)


def test_targets_say_what_is_missed():
    def figure(value: float) -> dict:
        return {"ssimulacra2": [value], "vmaf": value, "psnr": [value], "niqe": 5.0, "flicker": value, "speed": 5.0}

    runs = {"bicubic": figure(50), "Lanczos": figure(55), "SPAN": figure(70), "strength 0, 1 evaluation": figure(60)}
    text = "\n".join(report.targets({"clip": {"scale 2": runs}}))
    assert "scale 2, strength 0: SSIMULACRA2 above every baseline | 60.00; above 2 of 3, the best is SPAN with 70.00 | **no** |" in text
    runs["strength 0, 1 evaluation"] = figure(80)
    assert "above 3 of 3, the best is SPAN with 70.00 | yes |" in "\n".join(report.targets({"clip": {"scale 2": runs}}))


def softened(image: np.ndarray) -> np.ndarray:
    import cv2

    return cv2.GaussianBlur(image, (0, 0), 0.8)


@pytest.mark.parametrize("size", [256, 272])
def test_trained_ssimulacra2_is_the_reference_s(size: int):
    clip = moving(1, size)[0]
    reference = ssimulacra2(clip, softened(clip))
    distance = ssimulacra2_distance(from_bytes(softened(clip)[None]), from_bytes(clip[None]))
    assert 20 < reference < 95
    assert 100 - distance.item() == pytest.approx(reference, abs=0.3)


def test_ssimulacra2_of_a_small_picture_is_that_of_a_large_one():
    """As it comes, the reference judges 192 rows by other scales' weights: 88 instead of 73 for a photograph halved."""
    large = moving(1, 384)[0]
    small = np.ascontiguousarray(large[96:288, 64:320])
    assert ssimulacra2(small, softened(small)) == pytest.approx(ssimulacra2(large, softened(large)), abs=3)


def test_source_frames_are_the_products_own():
    clip = moving(5, 64)
    keys = [0, 2, 4]
    given = source_frames(clip[keys], 64, 64, keys, 8)
    assert given.frames.shape == (5, 3, 64, 64) and given.mismatch.shape == (5, 8, 8)
    assert torch.allclose(given.frames[keys], from_bytes(clip[keys]), atol=1e-6), "key frames at their own size are as they were"
    assert not given.mismatch[keys].any() and given.mismatch[[1, 3]].max() > 0
    middle = to_bytes(given.frames)[1, 8:-8, 8:-8].astype(float)
    off = lambda frame: np.abs(middle - frame[8:-8, 8:-8]).mean()
    assert off(clip[1]) < 0.5 * min(off(clip[0]), off(clip[2])), "an inserted frame lies where things are by then"
    larger = source_frames(clip[keys], 128, 128, keys, 8)
    assert larger.frames.shape == (5, 3, 128, 128)
