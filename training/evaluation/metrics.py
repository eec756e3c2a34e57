"""Figures of one result: against the truth, without it, and in time. Frames are uint8 [F, H, W, 3]; one core each."""

from __future__ import annotations

import json
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from scipy.special import gamma

from training.validate import psnr, ssimulacra2

NIQE_BLOCK = 96
FLICKER_BLOCK = 16


def luma(frame: np.ndarray) -> np.ndarray:
    """BT.601 full range, float32."""
    return frame.astype(np.float32) @ np.array([0.299, 0.587, 0.114], np.float32)


# --- HaarPSI -----------------------------------------------------------------------------------------------------------------

def _haar(channel: np.ndarray, scale: int) -> list[np.ndarray]:
    """Horizontal and vertical responses at a scale of 1…3, zeros beyond the edges."""
    n = 2**scale
    kernel = np.full((n, n), 2.0**-scale, np.float32)
    kernel[: n // 2] *= -1
    anchor = (n // 2 - 1, n // 2 - 1)
    respond = lambda k: np.abs(cv2.filter2D(channel, -1, k, anchor=anchor, borderType=cv2.BORDER_CONSTANT))
    return [respond(kernel), respond(np.ascontiguousarray(kernel.T))]


def haarpsi(reference: np.ndarray, image: np.ndarray) -> float:
    """Haar wavelet perceptual similarity, 0…1 (Reisenhofer et al. 2018), with its constants for colour images."""
    c, alpha = 30.0, 4.2
    yiq = np.array([[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]], np.float32)
    halved = []
    for frame in (reference, image):
        planes = np.moveaxis(frame.astype(np.float32) @ yiq.T, -1, 0)
        h, w = planes.shape[1] // 2 * 2, planes.shape[2] // 2 * 2
        halved.append(planes[:, :h, :w].reshape(3, h // 2, 2, w // 2, 2).mean((2, 4)))
    responses = [[_haar(planes[0], scale) for scale in (1, 2, 3)] for planes in halved]
    similarity = lambda a, b: (2 * a * b + c) / (a * a + b * b + c)
    maps, weights = [], []
    for direction in (0, 1):
        a, b = ([scale[direction] for scale in response] for response in responses)
        maps.append((similarity(a[0], b[0]) + similarity(a[1], b[1])) / 2)
        weights.append(np.maximum(a[2], b[2]))
    mean2 = lambda plane: np.abs(cv2.boxFilter(plane, -1, (2, 2), anchor=(0, 0), borderType=cv2.BORDER_CONSTANT))
    maps.append(sum(similarity(mean2(halved[0][p]), mean2(halved[1][p])) for p in (1, 2)) / 2)
    weights.append((weights[0] + weights[1]) / 2)
    squashed = sum((w / (1 + np.exp(-alpha * m))).sum() for m, w in zip(maps, weights)) / max(sum(w.sum() for w in weights), 1e-9)
    return float((np.log(squashed / (1 - squashed)) / alpha) ** 2)


# --- VMAF ---------------------------------------------------------------------------------------------------------------------

def vmaf_neg(reference: np.ndarray, images: np.ndarray) -> float:
    """Mean VMAF, its no-enhancement-gain model, by the ffmpeg of the imageio-ffmpeg package."""
    from imageio_ffmpeg import get_ffmpeg_exe

    height, width = reference.shape[1:3]
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for name, frames in (("image", images), ("reference", reference)):
            path = Path(folder) / f"{name}.rgb"
            path.write_bytes(np.ascontiguousarray(frames).tobytes())
            inputs += ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", f"{width}x{height}", "-r", "25", "-i", str(path)]
        log = Path(folder) / "log.json"
        model = f"libvmaf=model=version=vmaf_v0.6.1neg:n_threads=1:log_fmt=json:log_path={log}"
        graph = f"[0]format=yuv420p[a];[1]format=yuv420p[b];[a][b]{model}"
        command = [get_ffmpeg_exe(), "-v", "error", "-threads", "1", *inputs, "-filter_threads", "1", "-lavfi", graph, "-f", "null", "-"]
        subprocess.run(command, check=True, capture_output=True)
        return float(json.loads(log.read_text())["pooled_metrics"]["vmaf"]["mean"])


# --- NIQE ---------------------------------------------------------------------------------------------------------------------

@lru_cache(maxsize=1)
def _niqe_model() -> dict[str, np.ndarray]:
    """The authors' statistics of pristine photographs, as the basicsr package (Apache-2.0) ships them."""
    return dict(np.load(Path(__file__).with_name("niqe-model.npz")))


@lru_cache(maxsize=1)
def _shapes() -> tuple[np.ndarray, np.ndarray]:
    shape = np.arange(0.2, 10.001, 0.001)
    return shape, gamma(2 / shape) ** 2 / (gamma(1 / shape) * gamma(3 / shape))


def _asymmetric_gaussian(block: np.ndarray) -> tuple[float, float, float]:
    shape, ratio = _shapes()
    left = np.sqrt(np.mean(np.square(block[block < 0]))) if (block < 0).any() else 1e-6
    right = np.sqrt(np.mean(np.square(block[block > 0]))) if (block > 0).any() else 1e-6
    g = left / right
    r = np.mean(np.abs(block)) ** 2 / max(float(np.mean(np.square(block))), 1e-12)
    wanted = r * (g**3 + 1) * (g + 1) / (g * g + 1) ** 2
    at = np.searchsorted(ratio, wanted).clip(1, len(shape) - 1)
    alpha = shape[at - 1] if abs(ratio[at - 1] - wanted) < abs(ratio[at] - wanted) else shape[at]
    width = np.sqrt(gamma(1 / alpha) / gamma(3 / alpha))
    return alpha, left * width, right * width


def _niqe_features(block: np.ndarray) -> list[float]:
    alpha, left, right = _asymmetric_gaussian(block)
    out = [alpha, (left + right) / 2]
    for shift in ((0, 1), (1, 0), (1, 1), (1, -1)):
        alpha, left, right = _asymmetric_gaussian(block * np.roll(block, shift, (0, 1)))
        out += [alpha, (right - left) * gamma(2 / alpha) / gamma(1 / alpha), left, right]
    return out


def niqe(frames: np.ndarray) -> float:
    """Natural image quality evaluator (Mittal et al. 2013), lower is more natural; blocks of all frames are pooled into one figure."""
    model = _niqe_model()
    features = []
    for frame in frames:
        y = np.round(16 + frame.astype(np.float64) @ np.array([65.481, 128.553, 24.966]) / 255)
        rows, columns = y.shape[0] // NIQE_BLOCK, y.shape[1] // NIQE_BLOCK
        y = y[:rows * NIQE_BLOCK, :columns * NIQE_BLOCK]
        levels = []
        for level in (1, 2):
            mean = cv2.filter2D(y, -1, model["gaussian_window"], borderType=cv2.BORDER_REPLICATE)
            square = cv2.filter2D(y * y, -1, model["gaussian_window"], borderType=cv2.BORDER_REPLICATE)
            normal = (y - mean) / (np.sqrt(np.abs(square - mean * mean)) + 1)
            n = NIQE_BLOCK // level
            levels.append([_niqe_features(normal[r * n:(r + 1) * n, c * n:(c + 1) * n]) for c in range(columns) for r in range(rows)])
            y = _half(y)
        features.append(np.concatenate(levels, 1))
    own = np.concatenate(features)
    own = own[np.isfinite(own).all(1)]
    away = model["mu_pris_param"].ravel() - own.mean(0)
    return float(np.sqrt(away @ np.linalg.pinv((model["cov_pris_param"] + np.cov(own, rowvar=False)) / 2) @ away))


def _half(y: np.ndarray) -> np.ndarray:
    """Antialiased bicubic reduction by 2, as Matlab's imresize."""
    d = np.abs(np.arange(8) - 3.5) / 2
    taps = np.where(d <= 1, 1.5 * d**3 - 2.5 * d**2 + 1, np.where(d < 2, -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2, 0))
    taps /= taps.sum()
    padded = np.pad(y, 3, mode="symmetric")
    rows = sum(taps[k] * padded[k:k + y.shape[0]:2][: y.shape[0] // 2] for k in range(8))
    return sum(taps[k] * rows[:, k:k + y.shape[1]:2][:, : y.shape[1] // 2] for k in range(8))


# --- time ---------------------------------------------------------------------------------------------------------------------

class Motion:
    """Flow of the reference between consecutive frames, and where it can be trusted."""

    def __init__(self, frames: np.ndarray):
        search = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        grey = [luma(f).round().astype(np.uint8) for f in frames]
        y, x = np.mgrid[0:frames.shape[1], 0:frames.shape[2]].astype(np.float32)
        self.steps, speeds = [], []
        for before, after in zip(grey, grey[1:]):
            back, forth = search.calc(after, before, None), search.calc(before, after, None)
            at = (x + back[..., 0], y + back[..., 1])
            returned = cv2.remap(forth, *at, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
            inside = (at[0] >= 0) & (at[0] <= x[0, -1]) & (at[1] >= 0) & (at[1] <= y[-1, 0])
            self.steps.append((*at, inside & (np.square(back + returned).sum(-1) < 1)))
            speeds.append(np.hypot(forth[..., 0], forth[..., 1]).mean())
        self.speed = float(np.mean(speeds))  # pixels from frame to frame

    def judge(self, frames: np.ndarray) -> dict[str, float]:
        """`warping`: mean difference in grey levels of a frame from the one before, moved along; `flicker`: that of means over blocks."""
        grey = [luma(f) for f in frames]
        warping, flicker = [], []
        for (x, y, trusted), before, after in zip(self.steps, grey, grey[1:]):
            difference = np.where(trusted, after - cv2.remap(before, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE), 0)
            warping.append(np.abs(difference).sum() / max(trusted.sum(), 1))
            h, w = (n // FLICKER_BLOCK * FLICKER_BLOCK for n in difference.shape)
            blocks = lambda a: a[:h, :w].reshape(h // FLICKER_BLOCK, FLICKER_BLOCK, w // FLICKER_BLOCK, FLICKER_BLOCK).sum((1, 3))
            count = blocks(trusted.astype(np.float32))
            enough = count >= FLICKER_BLOCK**2 / 4
            if enough.any():
                flicker.append(np.abs(blocks(difference)[enough] / count[enough]).mean())
        return {"warping": float(np.mean(warping)), "flicker": float(np.mean(flicker)) if flicker else float("nan")}


def detail(frames: np.ndarray) -> float:
    """Mean strength of fine detail, in grey levels."""
    return float(np.mean([np.abs(cv2.Laplacian(luma(f), cv2.CV_32F)).mean() for f in frames]))


def judge(truth: np.ndarray, images: np.ndarray, judged: list[int], watched: list[int], motion: Motion) -> dict:
    """All figures of a result whose frames are the window's."""
    pairs = [(truth[i], images[i]) for i in judged]
    out = {name: [round(f(a, b), 4) for a, b in pairs] for name, f in (("psnr", psnr), ("ssimulacra2", ssimulacra2), ("haarpsi", haarpsi))}
    out["vmaf"] = round(vmaf_neg(truth[judged], images[judged]), 3)
    out["niqe"] = round(niqe(images[judged]), 3)
    out["detail"] = round(detail(images[judged]), 4)
    return out | {k: round(v, 4) for k, v in motion.judge(images[watched]).items()}
