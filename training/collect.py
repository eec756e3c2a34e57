"""Gathers the pictures that training clips are made of, once: photographs, videos and cut-outs, held-out sources apart.

`python -m training.collect --data ../shared/data --out training/.cache/sources` → `train/` and `held_out/`, each with `photos/*.webp`,
`videos/*` (as they are) and `stamps/*.webp`. What is refused because it is evaluation's (DATA.md) is printed. About 60 MB, five minutes.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image, ImageOps

from training.video import read_video

HELD_OUT_SHARE = 0.06
HASH_DISTANCE = 10
MIN_SIDE = 160
MAX_PHOTO_SIDE = 1280
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
    if min(image.size) < MIN_SIDE + 16:
        return None
    shrink = MAX_PHOTO_SIDE / max(image.size)
    if shrink < 1:
        image = image.resize((round(image.width * shrink), round(image.height * shrink)), Image.LANCZOS)
    return image


def collect_stamps(packages: Path, out: Path, limit: int = 160) -> None:
    """Photographic cut-outs with alpha; drawings are skipped."""
    count = 0
    for kind in STAMP_KINDS:
        for path in sorted((packages / STAMPS / kind).rglob("*.png")):
            if "cartoon" in str(path) or count == limit:
                continue
            image = Image.open(path)
            if image.mode == "RGBA" and min(image.size) >= 100:
                image.thumbnail((400, 400), Image.LANCZOS)
                image.save(out / f"{count:03d}.webp", quality=90)
                count += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--packages", type=Path, default=Path("training/.cache/packages"))
    parser.add_argument("--out", type=Path, default=Path("training/.cache/sources"))
    parser.add_argument("--quality", type=int, default=88, help="of the photographs' WebP")
    options = parser.parse_args()
    for part in ("train", "held_out"):
        for kind in ("photos", "videos", "stamps"):
            (options.out / part / kind).mkdir(parents=True, exist_ok=True)
    part_of = lambda path: options.out / ("held_out" if is_held_out(path.name) else "train")
    forbidden = forbidden_hashes(options.data)
    refused, kept = [], {"photos": 0, "videos": 0}
    for index, path in enumerate(list_photos(options.data, options.packages)):
        image = load_photo(path)
        if image is None:
            continue
        if is_forbidden(image, forbidden):
            refused.append(path.name)
            continue
        image.save(part_of(path) / "photos" / f"{index:04d}.webp", quality=options.quality, method=4)
        kept["photos"] += 1
    for path in sorted((options.data / "video").iterdir()):
        frames = read_video(path)
        if any(is_forbidden(Image.fromarray(f), forbidden) for f in frames[::8]):
            refused.append(path.name)
        elif min(frames[0].shape[:2]) >= MIN_SIDE:
            shutil.copy(path, part_of(path) / "videos" / path.name)
            kept["videos"] += 1
    for part in ("train", "held_out"):
        collect_stamps(options.packages, options.out / part / "stamps")
    print(f"{kept}; refused as evaluation's: {refused}", flush=True)


if __name__ == "__main__":
    main()
