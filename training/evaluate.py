"""Evaluates the shipped package: `python -m training.evaluate`, into docs/nano-evaluation.md.

Runs the packed ONNX graphs in onnxruntime on one core (no training code but the maths of diffusion.py), at a fixed seed, DDIM, with the product's colour
fix, on every operating point of evaluation/clips.py beside the baselines of evaluation/baselines.py. Needs training/requirements-evaluate.txt.
Every figure goes at once to `training/out/evaluation/<model>/<clip>.json`, those of truth and baselines, which no model changes, to
`training/evaluation/baseline-figures`; what is there is not done again, so a run may be stopped, split
(`--shard 1/2` and `--shard 2/2` side by side) or narrowed (`--points`, `--clips`, `--parts`). `--report` only writes the document.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path

import numpy as np
from PIL import Image

from training.deflicker import deflicker
from training.evaluation import report
from training.evaluation.baselines import baseline, methods
from training.evaluation.clips import POINTS, SWEPT, Point, generated_clip, set_single_thread, truth_clip, truth_names
from training.evaluation.metrics import Motion, detail, haarpsi, judge, niqe
from training.evaluation.package import PackedModel, Run, TrainedModel, enhance
from training.evaluation.source import source_frames
from training.latents import from_bytes, to_bytes, upsample
from training.validate import psnr, ssimulacra2

STRENGTHS = [0.0, 0.3, 0.8]
SWEEP = [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0]
PARTS = ["points", "evaluations", "sweep", "control", "cascade", "weights", "autoencoder", "generated"]
GENERATED = Point("generated, scale 2, factor 2", 2, 2)
FEW = 3  # parts that cost much take every third clip


class Ledger:
    """Figures of one clip by point and run, on disk after every addition; read anew each time, as another process may add to it."""

    def __init__(self, path: Path):
        self.path = path

    def _content(self) -> dict:
        return json.loads(self.path.read_text()) if self.path.is_file() else {}

    def lacks(self, point: str, run: str) -> bool:
        return run not in self._content().get(point, {})

    def add(self, point: str, run: str, figures: dict) -> None:
        content = self._content()
        content.setdefault(point, {})[run] = figures
        self.path.parent.mkdir(parents=True, exist_ok=True)
        spare = self.path.with_suffix(f".{os.getpid()}")
        spare.write_text(json.dumps(content) + "\n")
        spare.replace(self.path)


def runs_at(point: Point, parts: list[str], among_few: bool) -> list[Run]:
    runs = []
    if "points" in parts:
        runs += [Run(s) for s in STRENGTHS] + [Run(network="none")]
        if point.harm == "flickering":
            runs += [Run(s, deflicker=False) for s in STRENGTHS]
    if among_few and point.name in ("scale 2", "scale 4", "factor 2", "compressed"):
        if "evaluations" in parts:
            runs += [Run(s, n) for s in (0.0, 0.3) for n in (2, 4, 8)]
        if "sweep" in parts and point.name in SWEPT:
            runs += [Run(s) for s in SWEEP]
    if "control" in parts and point.name in ("scale 2", "compressed"):
        runs += [Run(s, network="unet") for s in (0.3, 0.8)] + [Run(s) for s in (0.3, 0.8)]
    return list(dict.fromkeys(runs))


def evaluate_clip(options, model, name: str, among_few: bool, point: Point, truth: np.ndarray) -> None:
    height, width = truth.shape[1:3]
    own = Ledger(options.out / model.identity / f"{name}.json")
    others = Ledger(options.figures / f"{width}x{height}" / f"{name}.json")
    window = truth[point.window]
    motion = Motion(window[point.watched])
    low = point.low(truth)
    if "points" in options.parts and others.lacks(point.name, "truth"):
        between = Motion(window[point.keys]).speed if point.factor > 1 else 0.0
        still = {"niqe": niqe(window[point.judged]), "detail": detail(window[point.judged]), "speed": between}
        others.add(point.name, "truth", still | motion.judge(window[point.watched]))
    for method in methods(point, among_few) if "points" in options.parts else []:
        label = " + ".join(m for m in method if m)
        if others.lacks(point.name, label):
            frames = baseline(options.cache, name, point, method, low, height, width)
            others.add(point.name, label, judge(window, frames, point.judged, point.watched, motion))
    if options.baselines_only:
        return
    factor = model.config["autoencoder"]["factor"]
    given = lambda frames, keys=point.keys, size=(height, width): source_frames(frames, *size, keys, factor)
    sources = {wanted: given(deflicker(low) if wanted else low) for wanted in (True, False)}
    for run in runs_at(point, options.parts, among_few):
        if own.lacks(point.name, run.name):
            frames = to_bytes(enhance(model, sources[run.deflicker], point.scale, run))
            own.add(point.name, run.name, judge(window, frames, point.judged, point.watched, motion))
    if "cascade" in options.parts and point.name == "scale 2, factor 2":
        for strength in (0.0, 0.3):
            label = f"cascade, time first, strength {strength:g}"
            if own.lacks(point.name, label):
                more = to_bytes(enhance(model, given(low, size=low.shape[1:3]), 1, Run(strength)))
                frames = to_bytes(enhance(model, given(more, list(range(point.frames))), point.scale, Run(strength)))
                own.add(point.name, label, judge(window, frames, point.judged, point.watched, motion))


def compare_weights(options, model, names: list[str]) -> None:
    """The package beside the same weights in float32."""
    trained = TrainedModel(options.checkpoint)
    if trained.config != model.config:
        print("weights: the checkpoint's config is not the package's; left out")
        return
    points = [p for p in POINTS if p.name in ("scale 2", "scale 4", "factor 2")]
    for name in names:
        own = Ledger(options.out / model.identity / f"{name}.json")
        truth = truth_clip(options.data, name, *options.crop)
        for point in points:
            if own.lacks(point.name, "float32 weights"):
                source = source_frames(point.low(truth), *options.crop[::-1], point.keys, model.config["autoencoder"]["factor"])
                pictures = [to_bytes(enhance(m, source, point.scale, Run())) for m in (trained, model)]
                window = truth[point.window]
                figures = {k: [f(window[i], pictures[0][i]) for i in point.judged] for k, f in (("psnr", psnr), ("ssimulacra2", ssimulacra2))}
                own.add(point.name, "float32 weights", figures | {"between": [psnr(*(p[i] for p in pictures)) for i in point.judged]})


def judge_autoencoder(options, model) -> None:
    """What encoder and decoder alone keep of the eval photographs, 480×336 at their centre: leaning on bicubic ×2, and on nothing."""
    for path in sorted((options.data / "eval/photos").iterdir()):
        own = Ledger(options.out / model.identity / f"{path.stem}.json")
        image = np.asarray(Image.open(path).convert("RGB"))
        y, x = (image.shape[0] - 336) // 2, (image.shape[1] - 480) // 2
        image = np.ascontiguousarray(image[y:y + 336, x:x + 480])
        small = np.array(Image.fromarray(image).resize((240, 168), Image.BICUBIC))
        leans = {"leaning on bicubic": upsample(from_bytes(small), 336, 480)[None], "leaning on nothing": 0 * from_bytes(image)[None]}
        for label, source in leans.items():
            if own.lacks("autoencoder", label):
                added = model.decode(model.encode(source), source, 1.0, 0.0) - source  # whatever the latents are
                back = to_bytes(model.decode(model.encode(from_bytes(image)[None] - added), source, 1.0, 0.0))[0]
                own.add("autoencoder", label, {"psnr": psnr(image, back), "ssimulacra2": ssimulacra2(image, back), "haarpsi": haarpsi(image, back)})


def enhance_generated(options, model) -> None:
    for path in sorted((options.data / "generated").glob("*.mp4")):
        keys = GENERATED.keys
        low = generated_clip(path, len(keys))
        height, width = 2 * low.shape[1], 2 * low.shape[2]
        own = Ledger(options.out / model.identity / f"{path.stem}.json")
        source = source_frames(deflicker(low), height, width, keys, model.config["autoencoder"]["factor"])
        plain = baseline(options.cache, path.stem, GENERATED, ("bicubic", "linear blending"), low, height, width)
        motion = Motion(plain[keys])  # of the clip's own frames: the only ones that are known
        pictures = {"bicubic + linear blending": plain}
        wanted = [Run(s) for s in STRENGTHS]
        if all(not own.lacks(GENERATED.name, r.name) for r in wanted):
            continue
        for run in wanted:
            pictures[run.name] = to_bytes(enhance(model, source, 2, run))
        own.add(GENERATED.name, "source, not enlarged", {"niqe": niqe(low), "detail": detail(low)})
        for label, picture in pictures.items():
            figures = {"niqe": niqe(picture[[1, 2, 4]]), "detail": detail(picture[[2, 4]])}
            own.add(GENERATED.name, label, figures | motion.judge(picture[keys]))
        report.contact_sheet(options.docs / "pictures" / f"nano-{path.stem}.jpg", pictures)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--package", type=Path, default=Path("public/models/nano"))
    parser.add_argument("--checkpoint", type=Path, default=Path("training/checkpoint/nano.pt"), help="of the same weights, for the part 'weights'")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("VENHANCER_DATA", "../shared/data")))
    parser.add_argument("--out", type=Path, default=Path("training/out/evaluation"))
    parser.add_argument("--cache", type=Path, default=Path("training/.cache/baselines"))
    parser.add_argument("--figures", type=Path, default=Path("training/evaluation/baseline-figures"), help="of truth and baselines, kept in the repository; delete to have them anew")
    parser.add_argument("--docs", type=Path, default=Path("docs"))
    parser.add_argument("--clips", type=int, default=0, help="only this many, evenly picked; 0 for all")
    parser.add_argument("--crop", type=int, nargs=2, default=[256, 192], metavar=("WIDTH", "HEIGHT"))
    parser.add_argument("--points", nargs="+", default=[p.name for p in POINTS], choices=[p.name for p in POINTS], metavar="NAME")
    parser.add_argument("--parts", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--shard", default="1/1", help="which of how many processes this is")
    parser.add_argument("--baselines-only", action="store_true")
    parser.add_argument("--report", action="store_true", help="only write the document from the figures at hand")
    options = parser.parse_args()
    set_single_thread()
    model = PackedModel(options.package)
    names = truth_names(options.data)
    few = set(names[::FEW])
    if options.clips:
        names = [names[i] for i in np.linspace(0, len(names) - 1, options.clips).round().astype(int)]
    shard, shards = (int(v) for v in options.shard.split("/"))
    began = time.time()
    if not options.report:
        points = [p for p in POINTS if p.name in options.points]
        truths = {name: truth_clip(options.data, name, *options.crop) for name in names[shard - 1::shards]}
        for point in points:
            for name, truth in truths.items():
                evaluate_clip(options, model, name, name in few, point, truth)
            print(f"{point.name} {time.time() - began:.0f} s", flush=True)
        if shard == shards and not options.baselines_only:
            if "autoencoder" in options.parts:
                judge_autoencoder(options, model)
            if "weights" in options.parts and options.checkpoint.is_file():
                compare_weights(options, model, [n for n in names if n in few])
            if "generated" in options.parts:
                enhance_generated(options, model)
            print(f"the rest {time.time() - began:.0f} s", flush=True)
    if options.report or shards == 1 and not options.baselines_only:
        report.write(options, model)


if __name__ == "__main__":
    main()
