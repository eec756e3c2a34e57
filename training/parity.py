"""Runs the sampler on the inputs of `workers/denoise/fixtures/training.json` and writes its results there: what TypeScript must agree with.

`python -m training.parity`, after a change of diffusion.py. The network is tanh(0.5·sample + 0.1·hint).
"""

from __future__ import annotations

import json
from pathlib import Path

import torch

from training import diffusion

FIXTURE = Path(__file__).parents[1] / "workers/denoise/fixtures/training.json"
STATISTICS = diffusion.LatentStatistics(
    torch.zeros(3), torch.ones(3), torch.tensor([40, 6, 1.2]), [1.0, 2.0, 4.0],
    torch.tensor([[0.4, 0.6, 0.9], [0.8, 0.9, 1], [1.2, 1.1, 1]]), torch.tensor([3.0, 2.0, 1.0]))


def numbers(values: torch.Tensor) -> list[float]:
    return [round(float(v), 7) for v in values.flatten()]


def main() -> None:
    fixture = json.loads(FIXTURE.read_text())
    plane = (fixture["channels"], fixture["height"], fixture["width"])
    keys, frames = fixture["keys"], fixture["frames"]
    array = lambda values, count: torch.tensor(values).reshape(1, count, *plane)
    for run in fixture["runs"]:
        cond = diffusion.make_conditioning(STATISTICS, array(fixture["source"], len(keys)), frames, keys, [run["strength"]],
                                           torch.tensor([run["scale"]]), array(fixture["hintNoise"], len(keys)))
        samples: list[list[float]] = []

        def network(sample, hint, *_):
            samples.append(numbers(sample))
            return torch.tanh(0.5 * sample + 0.1 * hint)

        final = diffusion.sample_ddim(network, cond, array(run["noise"], frames), run["evaluations"])
        run |= {"samples": samples, "hint": numbers(cond.hint), "final": numbers(final)}
    FIXTURE.write_text(json.dumps(fixture))


if __name__ == "__main__":
    main()
