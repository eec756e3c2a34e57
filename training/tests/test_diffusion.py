"""Schedule, step plan, block transform, upsampling and preconditioning keep what docs/nano-model.md promises."""

import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from training import diffusion
from training.latents import bicubic_matrix, channels_for, decode, encode, transform_weights

VECTORS = Path(os.environ.get("VENHANCER_VECTORS", Path(__file__).parents[2] / "../shared/vectors"))
needs_vectors = pytest.mark.skipif(not VECTORS.is_dir(), reason=f"no reference vectors at {VECTORS}")


@needs_vectors
def test_schedule():
    v = load_file(VECTORS / "schedule.safetensors")
    for name, own in (("sigmas_f32", diffusion.SIGMA), ("alphas_f32", diffusion.ALPHA)):
        assert (v[name] - own).abs().max() < 5e-5  # α loses digits near σ = 1


def test_step_plan():
    assert diffusion.step_plan(15, 900)[:4] == [899, 843, 786, 730]
    assert diffusion.step_plan(1) == [999]


@pytest.mark.parametrize("factor", [4, 8])
def test_block_transform(factor):
    torch.manual_seed(0)
    source = torch.randn(2, 3, 32, 48)
    raw = encode(source, factor)
    assert raw.shape[1] == channels_for(factor)
    assert (decode(raw, source, factor) - source).abs().max() == 0
    other = raw + torch.randn_like(raw)
    assert (encode(decode(other, source, factor), factor) - other).abs().max() < 1e-4
    encoder, decoder = transform_weights(factor)
    product = encoder.flatten(1) @ decoder.flatten(1).T
    assert (product - torch.eye(len(product))).abs().max() < 1e-5


def test_bicubic_keeps_lines():
    matrix = bicubic_matrix(20, 50)
    assert torch.allclose(matrix.sum(1), torch.ones(50), atol=1e-6)
    x = (torch.arange(50) + 0.5) * 20 / 50 - 0.5
    assert torch.allclose((matrix @ torch.arange(20.0))[5:-5], x[5:-5], atol=1e-4)


@pytest.mark.parametrize("evaluations", [1, 4])
def test_untrained_network_returns_the_base(evaluations):
    torch.manual_seed(0)
    c = 24
    stats = diffusion.LatentStatistics(torch.zeros(c), torch.ones(c), torch.full((c,), 9.0), [1.0, 8.0],
                                       torch.ones(2, c), torch.ones(c))
    source = torch.randn(1, 3, c, 4, 4) * 3
    cond = diffusion.make_conditioning(stats, source, torch.rand(1, 3, 4, 4), [0, 2], [0.0], torch.tensor([2.0]))
    assert torch.equal(cond.base, source)
    z = diffusion.sample_ddim(lambda s, *_: torch.zeros_like(s), cond, torch.randn(1, 3, c, 4, 4), evaluations)
    assert torch.allclose(z, cond.base, atol=1e-5)


def test_network_input_has_unit_variance():
    torch.manual_seed(0)
    c = 24
    stats = diffusion.LatentStatistics(torch.zeros(c), torch.ones(c), torch.full((c,), 9.0), [1.0, 8.0],
                                       torch.full((2, c), 1.5), torch.ones(c))
    source = torch.randn(1, 3, c, 32, 32) * 3
    cond = diffusion.make_conditioning(stats, source, torch.rand(1, 3, 32, 32), [0, 2], [0.5], torch.tensor([2.0]))
    x = diffusion.start(cond, torch.randn(cond.base.shape), 500)
    sample = diffusion.network_input(x, cond, diffusion.ALPHA[500], diffusion.SIGMA[500])
    assert abs(sample.std() - 1) < 0.02


def test_hints_of_key_and_inserted_frames():
    torch.manual_seed(0)
    stats = diffusion.LatentStatistics(torch.zeros(2), torch.ones(2), torch.tensor([9.0, 1.0]), [1.0, 8.0], torch.ones(2, 2), torch.ones(2))
    source, mismatch = torch.randn(1, 5, 2, 4, 4), torch.rand(1, 5, 4, 4)
    cond = diffusion.make_conditioning(stats, source, mismatch, [0, 4], [1.0], torch.tensor([2.0]), torch.zeros(1, 5, 2, 4, 4))
    assert cond.key_frames.tolist() == [[1, 0, 0, 0, 1]]
    level, alpha, sigma = diffusion.hint_level(1.0)
    total = alpha**2 * stats.variance + sigma**2
    assert torch.allclose(cond.hint[0, 2], alpha * source[0, 2] / total.sqrt()[:, None, None], atol=1e-5)
    assert torch.equal(cond.base, source)
    # The prior grows with mismatch, which a key frame's does not know.
    assert cond.prior[0, 0].std(dim=(-1, -2)).max() == 0
    slope = (cond.prior[0, 2, 0] - cond.prior[0, 0, 0]) / (mismatch[0, 2] + diffusion.MISMATCH_FLOOR).sqrt()
    assert torch.allclose(slope, torch.ones(4, 4), atol=1e-4)
