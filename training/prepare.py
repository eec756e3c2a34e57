"""Makes the bank of training clips, once: pairs of clean and degraded clips as flat uint8 files in `training/.cache`.

`python -m training.prepare --data ../shared/data --clips 3000 --out training/.cache/bank0 --seed 0`

What a clip is: FRAMES frames of SIZE×SIZE, either cut from a real video or a photograph in synthesised motion (camera pan,
zoom and rotation with sub-pixel accuracy, up to two layers moving over it with occlusion, motion blur). Each clip carries
VARIANTS degraded versions, stored at the size that the degradation left. Costs about 60 ms of one core a clip.
Files of a bank: `clean.bin`, `degraded.bin` (uint8, RGB), `index.json` (per clip and variant: offset, size, kind).
"""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

import av
import cv2
import imagehash
import numpy as np
from PIL import Image, ImageOps

from training.degrade import degrade

FRAMES = 9
SIZE = 160
VARIANTS = 2
HELD_OUT_SHARE = 0.06
HASH_DISTANCE = 10
MAX_PHOTO_SIDE = 1800
PHOTO_FOLDERS = {
    "gnome-backgrounds": "usr/share/backgrounds/gnome",
    "lomiri-wallpapers-16.04": "usr/share/backgrounds",
    "lomiri-wallpapers-20.04": "usr/share/backgrounds",
    "mate-backgrounds": "usr/share/backgrounds/mate/nature",
    "plasma-workspace-wallpapers": "usr/share/wallpapers",
    "ukui-wallpapers": "usr/share/backgrounds",
    "opencv-doc": "usr/share/doc/opencv-doc/examples/data",
}
STAMPS = "tuxpaint-stamps-default/usr/share/tuxpaint/stamps"
STAMP_KINDS = ["animals", "food/fruit", "food/vegetables", "plants", "household", "clothes", "vehicles", "sports"]


def read_video(path: Path, limit: int = 96) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        frames = []
        for frame in container.decode(video=0):
            frames.append(frame.to_ndarray(format="rgb24"))
            if len(frames) == limit:
                break
    return frames


def forbidden_hashes(data: Path) -> list[imagehash.ImageHash]:
    """Perceptual hashes of everything that is only for evaluation, mirrored too."""
    images = [Image.open(p).convert("RGB") for p in sorted((data / "eval/photos").iterdir())]
    for path in sorted([*(data / "eval").glob("*.mp4"), *(data / "generated").glob("*.mp4")]):
        images += [Image.fromarray(f) for f in read_video(path)[::8]]
    return [imagehash.phash(im) for image in images for im in (image, ImageOps.mirror(image))]


def is_forbidden(image: Image.Image, hashes: list[imagehash.ImageHash]) -> bool:
    own = imagehash.phash(image)
    return any(own - other <= HASH_DISTANCE for other in hashes)


def is_held_out(name: str) -> bool:
    """By a stable hash of the source's name, so that training and validation never share a source."""
    value = 2166136261
    for byte in name.encode():
        value = (value ^ byte) * 16777619 % 2**32
    return (value >> 8) % 1000 < HELD_OUT_SHARE * 1000


def list_photos(data: Path, packages: Path) -> list[Path]:
    paths = sorted((data / "photos").iterdir())
    for package, folder in PHOTO_FOLDERS.items():
        found = sorted((packages / package / folder).rglob("*")) if (packages / package).is_dir() else []
        paths += [p for p in found if p.suffix.lower() in {".jpg", ".jpeg", ".png", ".webp"} and p.is_file()
                  and "screenshot" not in p.name and not ("wallpapers/" in str(p) and p.suffix == ".png")]
    return paths


def load_photo(path: Path) -> Image.Image | None:
    try:
        image = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    except (OSError, ValueError):
        return None
    if min(image.size) < SIZE + 16:
        return None
    shrink = MAX_PHOTO_SIDE / max(image.size)
    if shrink < 1:
        image = image.resize((round(image.width * shrink), round(image.height * shrink)), Image.LANCZOS)
    return image


def load_stamps(packages: Path, limit: int = 160) -> list[np.ndarray]:
    """Photographic cut-outs with alpha; drawings are skipped."""
    stamps = []
    for kind in STAMP_KINDS:
        for path in sorted((packages / STAMPS / kind).rglob("*.png")):
            if "cartoon" in str(path) or len(stamps) == limit:
                continue
            image = Image.open(path)
            if image.mode == "RGBA" and min(image.size) >= 100:
                image.thumbnail((400, 400), Image.LANCZOS)
                stamps.append(np.asarray(image))
    return stamps


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


class BankWriter:
    def __init__(self, folder: Path):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.clean, self.degraded = (folder / "clean.bin").open("wb"), (folder / "degraded.bin").open("wb")
        self.entries: list[dict] = []
        self.offset = 0

    def add(self, clip: np.ndarray, variants: list[tuple[np.ndarray, str]], source: str) -> None:
        self.clean.write(clip.tobytes())
        entry = {"source": source, "variants": []}
        for frames, kind in variants:
            self.degraded.write(frames.tobytes())
            entry["variants"].append({"offset": self.offset, "size": frames.shape[1], "kind": kind})
            self.offset += frames.nbytes
        self.entries.append(entry)

    def close(self) -> None:
        self.clean.close()
        self.degraded.close()
        head = {"frames": FRAMES, "size": SIZE, "clips": self.entries}
        (self.folder / "index.json").write_text(json.dumps(head))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--packages", type=Path, default=Path("training/.cache/packages"))
    parser.add_argument("--clips", type=int, default=3000)
    parser.add_argument("--video-share", type=float, default=0.3)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--held-out", action="store_true", help="only the held-out sources (for validation)")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    rng = np.random.default_rng(options.seed)

    forbidden = forbidden_hashes(options.data)
    photos, videos, refused = [], [], []
    for path in list_photos(options.data, options.packages):
        image = load_photo(path) if is_held_out(path.name) == options.held_out else None
        if image is None:
            continue
        if is_forbidden(image, forbidden):
            refused.append(path.name)
        else:
            photos.append(np.asarray(image))
    for path in sorted((options.data / "video").iterdir()):
        if is_held_out(path.name) != options.held_out:
            continue
        frames = read_video(path)
        if any(is_forbidden(Image.fromarray(f), forbidden) for f in frames[::8]):
            refused.append(path.name)
        elif min(frames[0].shape[:2]) >= SIZE:
            videos.append((path.name, frames))
    stamps = load_stamps(options.packages)
    print(f"{len(photos)} photos, {len(videos)} videos, {len(stamps)} cut-outs; refused as evaluation's: {refused}", flush=True)

    writer = BankWriter(options.out)
    while len(writer.entries) < options.clips:
        if rng.random() < options.video_share:
            name, frames = videos[rng.integers(len(videos))]
            clip = cut_video(rng, frames)
        else:
            name, clip = "synthesised", synthesise(rng, photos, stamps)
        if clip is None or clip[0].std() < 6:
            continue
        writer.add(clip, [degrade(rng, clip) for _ in range(VARIANTS)], name)
        if len(writer.entries) % 250 == 0:
            print(f"{len(writer.entries)} clips", flush=True)
    writer.close()


if __name__ == "__main__":
    main()
