"""Writes what the packer reads: averaged weights under the official key names, and the config with its measured arrays.

`python -m training.export --checkpoint training/runs/main/checkpoint.pt`
→ `training/out/nano.safetensors` (float16), `workers/models/configs/nano.json`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import save_file

NETWORK_KEYS = ["family", "latentChannels", "dim", "multipliers", "blocks", "headDim", "firstTemporalHeads",
                "attentionLevels", "contextDim", "contextLength", "groups", "padding"]
MODEL_KEYS = ["autoencoder", "prediction", "latentShift", "latentScale", "latentVariance", "residualSpreadScales",
              "residualSpread", "insertedSpread"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--weights", type=Path, default=Path("training/out/nano.safetensors"))
    parser.add_argument("--config", type=Path, default=Path("workers/models/configs/nano.json"))
    parser.add_argument("--keep", type=Path, help="also write a smaller checkpoint to resume from: averaged weights, moments")
    options = parser.parse_args()
    saved = torch.load(options.checkpoint, map_location="cpu")
    options.weights.parent.mkdir(parents=True, exist_ok=True)
    weights = {k: v.to(torch.float16).contiguous() for k, v in saved["average"].items()}
    save_file(weights, options.weights, metadata={"format": "pt", "steps": str(saved["done"]["steps"])})
    config = {k: saved["config"][k] for k in NETWORK_KEYS + MODEL_KEYS}
    options.config.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"  {json.dumps(k)}: {json.dumps(v)}" for k, v in config.items()]
    options.config.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    if options.keep:
        options.keep.parent.mkdir(parents=True, exist_ok=True)
        torch.save({k: saved[k] for k in ("average", "moments", "done", "config")}, options.keep)
    size = options.weights.stat().st_size
    print(f"{options.weights}: {len(weights)} tensors, {size / 1e6:.1f} MB; {options.config}; trained {saved['done']}")


if __name__ == "__main__":
    main()
