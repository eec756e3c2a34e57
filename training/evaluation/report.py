"""From the figures of `training.evaluate` to docs/nano-evaluation.md, its plot and its contact sheets."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw

from training.evaluation.baselines import methods
from training.evaluation.clips import POINTS, SWEPT, truth_names
from training.evaluation.metrics import luma

FLOW_FOR_TIME = 4.0  # pixels between key frames, from which on inserted frames are judged
COLUMNS = [("psnr", "PSNR", 2), ("ssimulacra2", "SSIMULACRA2", 2), ("vmaf", "VMAF-NEG", 2), ("haarpsi", "HaarPSI", 3), ("niqe", "NIQE", 2),
           ("warping", "warping", 2), ("flicker", "flicker", 2), ("detail", "detail", 2)]

Figures = dict[str, dict[str, dict[str, dict]]]  # clip → point → run → figure


def load(folder: Path, names: list[str]) -> Figures:
    return {n: json.loads((folder / f"{n}.json").read_text()) for n in names if (folder / f"{n}.json").is_file()}


def merged(*all_figures: Figures) -> Figures:
    out: Figures = {}
    for figures in all_figures:
        for clip, points in figures.items():
            for point, runs in points.items():
                out.setdefault(clip, {}).setdefault(point, {}).update(runs)
    return out


def mean(figures: Figures, clips: list[str], point: str, run: str, name: str) -> float | None:
    values = [figures[c].get(point, {}).get(run, {}).get(name) for c in clips]
    values = [np.mean(v) for v in values if v is not None]
    return float(np.mean(values)) if values and len(values) == len(clips) else None


def with_run(figures: Figures, point: str, run: str) -> list[str]:
    return [c for c in figures if run in figures[c].get(point, {})]


def table(figures: Figures, clips: list[str], point: str, runs: list[str]) -> list[str]:
    lines = ["| run | " + " | ".join(t for _, t, _ in COLUMNS) + " |", "|---|" + "---|" * len(COLUMNS)]
    for run in runs:
        cells = [(mean(figures, clips, point, run, name), digits) for name, _, digits in COLUMNS]
        if any(v is not None for v, _ in cells):
            lines.append(f"| {run} | " + " | ".join("" if v is None else f"{v:.{d}f}" for v, d in cells) + " |")
    return lines


def judged_clips(figures: Figures, point) -> list[str]:
    clips = with_run(figures, point.name, "strength 0, 1 evaluation")
    if point.factor > 1:
        clips = [c for c in clips if figures[c][point.name].get("truth", {}).get("speed", 0) >= FLOW_FOR_TIME]
    return clips


def baseline_labels(point) -> list[str]:
    return [" + ".join(m for m in method if m) for method in methods(point)]


def own_labels(figures: Figures, clips: list[str], point: str) -> list[str]:
    """Runs of the model that every one of these clips has."""
    if not clips:
        return []
    shared = set.intersection(*(set(figures[c].get(point, {})) for c in clips))
    starts = ("hint", "strength", "cascade", "noised")
    return sorted((r for r in shared if r.startswith(starts)), key=lambda r: (starts.index(next(s for s in starts if r.startswith(s))), r))


# --- targets ------------------------------------------------------------------------------------------------------------------

def targets(figures: Figures) -> list[str]:
    """The targets as a table: what was wanted, what came out, whether it holds."""
    lines = ["| target | measured | holds |", "|---|---|---|"]

    def add(wanted: str, measured: str, holds: bool | None) -> None:
        lines.append(f"| {wanted} | {measured} | {'—' if holds is None else 'yes' if holds else '**no**'} |")

    points = {p.name: p for p in POINTS}
    for name in ("scale 2", "scale 4"):
        clips = judged_clips(figures, points[name])
        for strength in ("0", "0.3"):
            for column in ("ssimulacra2", "vmaf"):
                own = mean(figures, clips, name, f"strength {strength}, 1 evaluation", column) if clips else None
                rivals = {b: mean(figures, clips, name, b, column) for b in baseline_labels(points[name])} if clips else {}
                rivals = {b: v for b, v in rivals.items() if v is not None}
                if own is not None and rivals:
                    ahead = sum(own > v for v in rivals.values())
                    best = max(rivals, key=rivals.get)
                    label = {"ssimulacra2": "SSIMULACRA2", "vmaf": "VMAF-NEG"}[column]
                    add(f"{name}, strength {strength}: {label} above every baseline",
                        f"{own:.2f}; above {ahead} of {len(rivals)}, the best is {best} with {rivals[best]:.2f}", ahead == len(rivals))
        ref, base, own = (mean(figures, clips, name, r, "niqe") if clips else None for r in ("truth", "bicubic", "strength 0, 1 evaluation"))
        if None not in (ref, base, own):
            add(f"{name}: NIQE nearer to the truth's than bicubic's", f"{own:.2f}, bicubic {base:.2f}, truth {ref:.2f}", abs(own - ref) < abs(base - ref))
    for name in ("flickering", "flickering, scale 2"):
        clips = judged_clips(figures, points[name])
        before = mean(figures, clips, name, baseline_labels(points[name])[0], "flicker") if clips else None
        for run in ("strength 0, 1 evaluation", "strength 0, 1 evaluation, no deflicker"):
            after = mean(figures, clips, name, run, "flicker") if clips else None
            if before and after is not None:
                add(f"{name}: flicker at least halved ({run})", f"{after:.2f} from {before:.2f}", after <= before / 2)
    for name in ("scale 2", "scale 4", "factor 2", "factor 4"):
        clips = judged_clips(figures, points[name])
        before = mean(figures, clips, name, baseline_labels(points[name])[0], "flicker") if clips else None
        after = mean(figures, clips, name, "strength 0, 1 evaluation", "flicker") if clips else None
        if before and after is not None:
            add(f"{name}, clean: flicker not raised", f"{after:.3f}, {baseline_labels(points[name])[0]} {before:.3f}", after <= before * 1.01)
    for name in ("factor 2", "factor 4", "factor 8"):
        clips = judged_clips(figures, points[name])
        for column in ("ssimulacra2", "psnr"):
            own, rival = (mean(figures, clips, name, r, column) if clips else None for r in ("strength 0, 1 evaluation", "minterpolate"))
            if own is not None and rival is not None:
                add(f"{name}: inserted frames above minterpolate, {column}", f"{own:.2f} against {rival:.2f} ({len(clips)} clips)", own > rival)
    for name in SWEPT:
        clips = with_run(figures, name, "strength 0.5, 1 evaluation")
        strengths = sweep_strengths(figures, clips, name)
        if len(strengths) > 3:
            fidelity, detail = ([mean(figures, clips, name, f"strength {s:g}, 1 evaluation", c) for s in strengths] for c in ("ssimulacra2", "detail"))
            add(f"{name}: fidelity falls with strength", " → ".join(f"{v:.1f}" for v in fidelity), bool(np.all(np.diff(fidelity) < 0.05)))
            add(f"{name}: detail rises with strength", " → ".join(f"{v:.2f}" for v in detail), bool(np.all(np.diff(detail) > -0.005)))
    losses = [np.mean(figures[c][p]["float32 weights"]["psnr"]) - np.mean(figures[c][p]["strength 0, 1 evaluation"]["psnr"])
              for p in ("scale 2", "scale 4", "factor 2") for c in with_run(figures, p, "float32 weights")
              if "strength 0, 1 evaluation" in figures[c][p]]
    if losses:
        add("packed int8 loses at most 0.3 dB against float32", f"mean {np.mean(losses):.4f} dB, worst {np.max(losses):.4f} dB", max(losses) <= 0.3)
    clips = with_run(figures, "autoencoder", "leaning on bicubic")
    for label in ("leaning on bicubic", "leaning on nothing") if clips else ():
        p, s = (mean(figures, clips, "autoencoder", label, c) for c in ("psnr", "ssimulacra2"))
        add(f"autoencoder alone, {label}: ≥ 39 dB and SSIMULACRA2 ≥ 88", f"{p:.2f} dB, {s:.2f}", p >= 39 and s >= 88)
    return lines


# --- strength -----------------------------------------------------------------------------------------------------------------

def sweep_strengths(figures: Figures, clips: list[str], point: str) -> list[float]:
    runs = own_labels(figures, clips, point)
    return sorted(float(r.split(" ")[1].rstrip(",")) for r in runs if r.startswith("strength") and r.endswith(", 1 evaluation"))


def strength_plot(figures: Figures, path: Path) -> bool:
    """SVG: SSIMULACRA2 and detail over strength, at the points that are swept."""
    width, height, left, top = 340, 220, 46, 30
    panels = []
    for column, title in (("ssimulacra2", "Fidelity: SSIMULACRA2"), ("detail", "Detail: grey levels")):
        curves = {}
        for point in SWEPT:
            clips = with_run(figures, point, "strength 0.5, 1 evaluation")
            xs = sweep_strengths(figures, clips, point)
            if len(xs) > 3:
                curves[point] = [(x, mean(figures, clips, point, f"strength {x:g}, 1 evaluation", column)) for x in xs]
        if not curves:
            return False
        values = [v for c in curves.values() for _, v in c]
        low, high = min(values), max(values)
        pad = 0.08 * (high - low) + 1e-6
        low, high = low - pad, high + pad
        at = lambda x, v: (left + x * (width - left - 12), top + (high - v) / (high - low) * (height - top - 34))
        parts = [f'<text x="{left}" y="18" font-weight="bold">{title}</text>']
        for v in np.linspace(low + pad, high - pad, 4):
            y = at(0, v)[1]
            parts.append(f'<line x1="{left}" x2="{width - 12}" y1="{y:.1f}" y2="{y:.1f}" stroke="#ddd"/><text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{v:.1f}</text>')
        for x in (0, 0.2, 0.4, 0.6, 0.8, 1):
            parts.append(f'<text x="{at(x, low)[0]:.1f}" y="{height - 18}" text-anchor="middle">{x:g}</text>')
        parts.append(f'<text x="{(left + width) / 2:.0f}" y="{height - 3}" text-anchor="middle">strength</text>')
        for (point, curve), colour in zip(curves.items(), ("#1f77b4", "#d62728", "#2ca02c")):
            line = " ".join(f"{a:.1f},{b:.1f}" for a, b in (at(x, v) for x, v in curve))
            dots = "".join(f'<circle cx="{a:.1f}" cy="{b:.1f}" r="2.5" fill="{colour}"/>' for a, b in (at(x, v) for x, v in curve))
            end = at(*curve[0])
            parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="1.8"/>{dots}')
            parts.append(f'<text x="{end[0] + 6:.1f}" y="{end[1] - 6:.1f}" fill="{colour}">{point}</text>')
        panels.append(f'<g transform="translate({len(panels) * width} 0)">{"".join(parts)}</g>')
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * width} {height}" font-family="sans-serif" font-size="11" fill="#222">'
                    f'<rect width="100%" height="100%" fill="#fff"/>{"".join(panels)}</svg>\n')
    return True


# --- pictures -----------------------------------------------------------------------------------------------------------------

def detailed_place(frame: np.ndarray, side: int) -> tuple[int, int]:
    """Top and left of the square that holds most detail."""
    strength = cv2.boxFilter(np.abs(cv2.Laplacian(luma(frame), cv2.CV_32F)), -1, (side, side), anchor=(0, 0))
    place = strength[:frame.shape[0] - side, :frame.shape[1] - side]
    y, x = np.unravel_index(np.argmax(place), place.shape)
    return int(y), int(x)


def contact_sheet(path: Path, pictures: dict[str, np.ndarray]) -> None:
    """A row a run: the middle key frame small, its most detailed place at full size, and that place of the inserted frame after it."""
    side = 260
    rows = []
    plain = next(iter(pictures.values()))
    y, x = detailed_place(plain[len(plain) // 2 // 2 * 2], side)
    for label, frames in pictures.items():
        middle = len(frames) // 2 // 2 * 2
        small = Image.fromarray(frames[middle])
        small = small.resize((round(small.width * side / small.height), side), Image.LANCZOS)
        row = Image.fromarray(np.hstack([np.asarray(small), frames[middle, y:y + side, x:x + side], frames[middle + 1, y:y + side, x:x + side]]))
        draw = ImageDraw.Draw(row)
        draw.rectangle((0, 0, 8 + 6.2 * len(label), 14), fill="black")
        draw.text((4, 1), label, fill="white")
        rows.append(np.asarray(row))
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(path, quality=75)


# --- the document -------------------------------------------------------------------------------------------------------------

def write(options, model) -> None:
    names = truth_names(options.data)
    width, height = options.crop
    own = load(options.out / model.identity, [*names, *(p.stem for p in sorted((options.data / "generated").glob("*.mp4")))])
    everything = merged(load(options.figures / f"{width}x{height}", names), own)
    figures = {c: everything[c] for c in everything if c in own}
    plotted = strength_plot(figures, options.docs / "pictures" / "nano-strength.svg")
    revision = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True).stdout.strip()
    today = time.strftime("%d %b %Y")
    lines = ["# Nano: evaluation", "",
             f"Written by `python -m training.evaluate`; do not edit. `{model.identity}`, {today}, at commit {revision}. Through the packed ONNX graphs in onnxruntime, one",
             f"core, seed 666, DDIM, the product's colour fix. Truth: five clips and ten photographs in motion, centre crops of {width}×{height}; means over clips.",
             "Factor 1: three frames of five judged; else the inserted frames of nine, of clips whose key frames are at least 4 px apart on average. Colour in 8 bits.",
             "PSNR, SSIMULACRA2, VMAF-NEG, HaarPSI: more is better. NIQE: less. Warping: grey levels between a frame and the one before, moved along the truth's flow;",
             "flicker: the same of means over 16×16 pixels; detail: mean |Laplacian|. ncnn runs the published upscalers; their training data is not ours.", "",
             "## Targets", ""]
    lines += targets(figures)
    for point in POINTS:
        clips = judged_clips(figures, point)
        if not clips:
            continue
        done = len(with_run(figures, point.name, "hint alone (no network)"))
        partial = "" if done == len(names) else f"; unfinished: {done} of {len(names)} run"
        lines += ["", f"## {point.name[0].upper()}{point.name[1:]} ({len(clips)} clips{partial})", ""]
        lines += table(figures, clips, point.name, ["truth", *baseline_labels(point), *own_labels(figures, clips, point.name)])
        slow = [c for c in clips if "Real-ESRGAN x4plus" in figures[c][point.name]]
        if slow and len(slow) < len(clips):
            runs = ["bicubic", "Real-ESRGAN x4plus", "strength 0, 1 evaluation", "strength 0.3, 1 evaluation"]
            lines += ["", f"Real-ESRGAN x4plus was run on {len(slow)} of these only, being slow; on those:", "", *table(figures, slow, point.name, runs)]
    headed = False
    for point in ("scale 2", "scale 4", "factor 2", "compressed"):
        clips = with_run(figures, point, "strength 0, 8 evaluations")
        if clips:
            lines += [] if headed else ["", "## More evaluations (every third clip)"]
            headed = True
            runs = [f"strength {s}, {n} evaluation{'s' * (n > 1)}" for s in ("0", "0.3") for n in (1, 2, 4, 8)]
            lines += ["", f"### {point} ({len(clips)} clips, all speeds)", "", *table(figures, clips, point, runs)]
    if plotted:
        lines += ["", "## Strength (every third clip, 1 evaluation)", "", "![SSIMULACRA2 and detail over strength](pictures/nano-strength.svg)"]
        for point in SWEPT:
            clips = with_run(figures, point, "strength 0.5, 1 evaluation")
            runs = [f"strength {s:g}, 1 evaluation" for s in sweep_strengths(figures, clips, point)]
            lines += ["", f"### {point} ({len(clips)} clips)", "", *table(figures, clips, point, ["bicubic", *runs])]
    generated = [c for c in figures if "generated, scale 2, factor 2" in figures[c]]
    if generated:
        lines += ["", "## Generated clips, ×2 and ×2 (512×320 → 1024×640, 5 → 9 frames)", "",
                  "Flicker and warping of the clip's own frames, along the enlarged clip's flow. Rows of a sheet: runs; a frame, its most detailed place, that place of the inserted frame after it."]
        for clip in generated:
            runs = list(figures[clip]["generated, scale 2, factor 2"])
            lines += ["", f"### {clip}", "", *table(figures, [clip], "generated, scale 2, factor 2", runs), "", f"![{clip}: runs as rows](pictures/nano-{clip}.jpg)"]
    path = options.docs / "nano-evaluation.md"
    path.write_text("\n".join(lines) + "\n")
    print(path)
    remember(options.docs / "nano-evaluation-history.md", f"{today}, {revision}", model.identity, figures)


def remember(path: Path, when: str, identity: str, figures: Figures) -> None:
    """One line a package in the history; the newest figures of the same package replace its line."""
    points = {p.name: p for p in POINTS}
    if not judged_clips(figures, points["scale 2"]):
        return
    cells = []
    for name in ("scale 2", "scale 4", "scale 8", "factor 2", "factor 4", "compressed", "flickering"):
        clips = judged_clips(figures, points[name])
        values = [mean(figures, clips, name, "strength 0, 1 evaluation", c) if clips else None for c in ("psnr", "ssimulacra2")]
        cells.append(" / ".join("" if v is None else f"{v:.2f}" for v in values) + f" ({len(clips)})")
    head = ["# Nano: history of evaluations", "", "PSNR / SSIMULACRA2 (clips) at strength 0, one evaluation, as in nano-evaluation.md.", "",
            "| package | when, commit | scale 2 | scale 4 | scale 8 | factor 2 | factor 4 | compressed | flickering |", "|---|---|" + "---|" * 7]
    kept = [line for line in path.read_text().splitlines()[len(head):] if f"| {identity} |" not in line] if path.is_file() else []
    path.write_text("\n".join([*head, *kept, f"| {identity} | {when} | " + " | ".join(cells) + " |"]) + "\n")
