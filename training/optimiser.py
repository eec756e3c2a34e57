"""Muon (momentum orthogonalised by Newton–Schulz) for matrices, AdamW for the rest; moments saved as bf16.

Matrices of one shape are stacked, so that a step is a few batched products. Rates follow AdamW's (update of root mean
square 0.2, as Moonlight scales it), so one `--rate` serves both.
"""

from __future__ import annotations

import torch
from torch import Tensor


def orthogonalise(g: Tensor, steps: int = 5) -> Tensor:
    """[N, rows, columns] → the nearest semi-orthogonal matrices, approximately."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.bfloat16()
    tall = x.shape[1] > x.shape[2]
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).float()


EDGES = ("input_blocks.0.0", "VideoControlNet.input_blocks.0.0", "out.")  # where latents come in and go out: AdamW's


class Muon(torch.optim.Optimizer):
    def __init__(self, network: torch.nn.Module, rate: float, momentum: float = 0.95, decay: float = 0.01):
        matrices, others = [], []
        for name, p in network.named_parameters():
            if not p.requires_grad:
                continue
            inner = p.ndim >= 2 and not name.startswith(EDGES)
            (matrices if inner else others).append(p)
        groups = [{"params": matrices, "muon": True}, {"params": others, "muon": False}]
        super().__init__(groups, dict(lr=rate, momentum=momentum, decay=decay, betas=(0.9, 0.99)))

    @torch.no_grad()
    def step(self, closure=None):
        matrices, others = self.param_groups
        by_shape: dict[tuple, list] = {}
        for p in matrices["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if "momentum" not in state:
                state["momentum"] = torch.zeros_like(p)
            state["momentum"].lerp_(p.grad, 1 - matrices["momentum"])
            update = p.grad.lerp(state["momentum"], matrices["momentum"])
            flat = update.reshape(update.shape[0], -1)
            by_shape.setdefault(flat.shape, []).append((p, flat))
        for (rows, columns), entries in by_shape.items():
            updates = orthogonalise(torch.stack([u for _, u in entries])) * 0.2 * max(rows, columns) ** 0.5
            for (p, _), update in zip(entries, updates):
                p.mul_(1 - matrices["lr"] * matrices["decay"]).add_(update.reshape(p.shape), alpha=-matrices["lr"])
        first, second = others["betas"]
        for p in others["params"]:
            if p.grad is None:
                continue
            state = self.state[p]
            if "step" not in state:
                state.update(step=0, exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p))
            state["step"] += 1
            state["exp_avg"].lerp_(p.grad, 1 - first)
            state["exp_avg_sq"].lerp_(p.grad.square(), 1 - second)
            mean = state["exp_avg"] / (1 - first ** state["step"])
            root = (state["exp_avg_sq"] / (1 - second ** state["step"])).sqrt()
            p.add_(mean / (root + 1e-8), alpha=-others["lr"])


def save_moments(optimiser: torch.optim.Optimizer) -> dict:
    """The optimiser's state with its tensors in bf16 (step counts stay as they are)."""
    state = optimiser.state_dict()
    small = lambda v: v.to(torch.bfloat16) if torch.is_tensor(v) and v.ndim else v
    state["state"] = {k: {name: small(v) for name, v in s.items()} for k, s in state["state"].items()}
    return state


def load_moments(optimiser: torch.optim.Optimizer, saved: dict) -> None:
    optimiser.load_state_dict(saved)
    for state in optimiser.state.values():
        for name, value in state.items():
            if torch.is_tensor(value) and value.ndim:
                state[name] = value.float()
