"""Counts a config's floating-point operations (2·MAC: UNet, ControlNet, the decoder's learned part; one evaluation) and parameters.

`python -m training.cost workers/models/configs/nano.json [--size 512]`. Convolutions, linears and attention products are
counted by torch on the meta device; norms and activations are not.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from torch.utils.flop_counter import FlopCounterMode

from training.model import EnhancementNetwork, NetworkConfig


def count(config: dict, size: int = 512, frames: int = 8) -> tuple[float, int]:
    """GFLOP per frame of size×size output pixels, and the number of parameters."""
    factor = config.get("autoencoder", {}).get("factor", 4)
    net = EnhancementNetwork(NetworkConfig.from_json(config)).to("meta")
    x = torch.empty(frames, config["latentChannels"], size // factor, size // factor, device="meta")
    one = torch.ones(1, device="meta")
    counter = FlopCounterMode(display=False)
    with counter, torch.no_grad():
        net(x, x, torch.ones(frames, device="meta"), one, one, one, frames)
        if net.decoder is not None:
            picture = torch.empty(frames, 3, size, size, device="meta")
            net.decoder(picture, torch.ones(frames, 2, device="meta"))
    return counter.get_total_flops() / frames / 1e9, sum(p.numel() for p in net.parameters())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=Path)
    parser.add_argument("--size", type=int, default=512)
    options = parser.parse_args()
    flops, parameters = count(json.loads(options.config.read_text()), options.size)
    print(f"{flops:.2f} GFLOP per {options.size}x{options.size} frame and evaluation, {parameters:,} parameters")


if __name__ == "__main__":
    main()
