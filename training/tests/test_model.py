"""The network reproduces the reference's Net A, and its keys are the official ones."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training.model import EnhancementNetwork, NetworkConfig

VECTORS = Path(os.environ.get("VENHANCER_VECTORS", Path(__file__).parents[2] / "../shared/vectors"))
NET_A = dict(latentChannels=4, dim=32, multipliers=[1, 1, 2, 2], blocks=2, headDim=16, firstTemporalHeads=8,
             attentionLevels=[0, 1, 2], contextDim=32, contextLength=7, groups=32, padding="reference")
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no reference vectors at {VECTORS}")


@pytest.fixture(scope="module")
def net_a():
    net = EnhancementNetwork(NetworkConfig.from_json(NET_A))
    net.load_state_dict({k: v.float() for k, v in load_file(VECTORS / "unet_tiny/weights_A_f16.safetensors").items()})
    return net.eval()


@needs_vectors
@pytest.mark.parametrize("case", ["c1_all_keys", "c2_every_4th", "c3_first_last", "c4_chunk_slice", "c5_batch2"])
@torch.no_grad()
def test_net_a(net_a, case):
    v = load_file(VECTORS / f"unet_tiny/A_{case}.safetensors")
    b, _, f, _, _ = v["x"].shape
    flat = lambda x: x.transpose(1, 2).flatten(0, 1)
    hint = torch.zeros_like(v["x"])
    for i in range(b):
        for j, index in enumerate(v["mask_cond"][i].tolist()):
            if index >= 0:
                hint[i, :, j] = v["hint"][i, :, index]
    keys = (v["mask_cond"] >= 0).flatten().float()
    out = net_a(flat(v["x"]), flat(hint), keys, v["t"], v["t_hint"], v["s_cond"], f, v["y"])
    expected = flat(v["out"])
    assert (out - expected).abs().max() <= 2e-4 * max(1.0, expected.square().mean().sqrt().item())


@needs_vectors
def test_official_keys():
    listed = json.loads((VECTORS / "venhancer_state_keys.json").read_text())["keys"]
    official = dict(NET_A, dim=320, multipliers=[1, 2, 4, 4], headDim=64, contextDim=1024, contextLength=77)
    with torch.device("meta"):
        net = EnhancementNetwork(NetworkConfig.from_json(official))
    assert {k: list(v.shape) for k, v in net.state_dict().items()} == {k: list(v) for k, v in listed.items()}


def test_untrained_net_predicts_nothing():
    config = dict(NET_A, latentChannels=24, contextDim=0, groups=8, padding="plain", attentionLevels=[2], blocks=1,
                  multipliers=[1, 1, 2])
    net = EnhancementNetwork(NetworkConfig.from_json(config))
    x = torch.randn(6, 24, 16, 24)
    out = net(x, x, torch.ones(6), torch.tensor([9, 900]), torch.tensor([0, 99]), torch.tensor([16.0, 9.0]), 3)
    assert out.shape == x.shape and out.abs().max() == 0
