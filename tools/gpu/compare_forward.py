"""What `bench-gpu.ts` computed on WebGPU at the smallest plane, against PyTorch in float32 on the checkpoint that the packages came from.

    python tools/gpu/compare_forward.py --checkpoint FILE.pt --config workers/models/configs/venhancer.json --bench DIR/bench.json

Needs torch and this repository's root as the working folder; takes 8 GB of the GPU's memory where there is one.
"""

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from training.model import EnhancementNetwork, NetworkConfig  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--checkpoint", required=True)
    parser.add_argument("--config", required=True)
    parser.add_argument("--bench", required=True)
    order = parser.parse_args()
    cases = [each for each in json.loads(Path(order.bench).read_text())["cases"]
             if isinstance(each.get("value"), dict) and each["value"].get("output")
             and each["value"].get("inputs")]
    if not cases:
        print("no case was kept")
        return
    device = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    config = NetworkConfig.from_json(json.loads(Path(order.config).read_text()))
    began = time.time()
    with torch.device("meta"):
        network = EnhancementNetwork(config)
    state = torch.load(order.checkpoint, mmap=True, weights_only=True, map_location="cpu")
    network.load_state_dict({name: value.to(device).float() for name, value in state.items()}, strict=True, assign=True)
    print(f"PyTorch on {device}: loaded in {time.time() - began:.1f} s", flush=True)
    times = [torch.tensor([value], device=device) for value in (500.0, 199.0, 8.0)]
    answers: dict[str, np.ndarray] = {}
    for each in cases:
        value = each["value"]
        given = {name: np.asarray(one["data"], np.float32).reshape(one["dims"]) for name, one in value["inputs"].items()}
        key = str({name: one.shape for name, one in given.items()})
        if key not in answers:
            tensors = {name: torch.from_numpy(one).to(device) for name, one in given.items()}
            frames = len(given["sample"])
            with torch.no_grad():
                answers[key] = network(tensors["sample"], tensors["hint"], tensors["key_frames"], *times, frames,
                                       tensors["context"][None]).cpu().numpy()
        expected = answers[key]
        made = np.asarray(value["output"], np.float32).reshape(expected.shape)
        error = made - expected
        decibels = 10 * np.log10((expected**2).sum() / (error**2).sum())
        rms = np.sqrt((expected**2).mean())
        print(f"{each['name']}: {decibels:.1f} dB, largest error {np.abs(error).max():.2e} at an rms of {rms:.3f}")


if __name__ == "__main__":
    main()
