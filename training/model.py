"""VEnhancer's 3-D UNet and video ControlNet at any width, with the official checkpoint's key names (SPEC §1).

What it is: one definition for nano and for the reference net, driven by the JSON config of DESIGN. What it costs on a
CPU: activations stay in one 4-D channels-last tensor [B·F, C, H, W]; temporal convolutions (stored as Conv3d weights of
shape [out, in, 3, 1, 1]) run as 2-D convolutions over the zero-copy view [B, C, F, H·W].
Limits: transformer depth is 1, as in the reference; no dropout; no gradient checkpointing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from training.refinement import Refinement


@dataclass
class NetworkConfig:
    """The network part of `workers/models/configs/*.json`, in Python's spelling."""

    latent_channels: int
    dim: int
    multipliers: list[int]
    blocks: int
    head_dim: int
    first_temporal_heads: int
    attention_levels: list[int]
    context_dim: int = 0
    context_length: int = 0
    groups: int = 32
    padding: str = "plain"
    family: str = "venhancer"
    extra: dict = field(default_factory=dict)

    @staticmethod
    def from_json(values: dict) -> "NetworkConfig":
        names = {
            "latentChannels": "latent_channels", "dim": "dim", "multipliers": "multipliers", "blocks": "blocks",
            "headDim": "head_dim", "firstTemporalHeads": "first_temporal_heads",
            "attentionLevels": "attention_levels", "contextDim": "context_dim", "contextLength": "context_length",
            "groups": "groups", "padding": "padding", "family": "family",
        }
        known = {names[key]: value for key, value in values.items() if key in names}
        return NetworkConfig(**known, extra={k: v for k, v in values.items() if k not in names})

    @property
    def time_dim(self) -> int:
        return 4 * self.dim


def sinusoid(values: Tensor, dim: int) -> Tensor:
    """SPEC §1.2: cos first, then sin; angle_i = t·10000^(−i/(dim/2))."""
    half = dim // 2
    rates = torch.exp(-math.log(10000.0) * torch.arange(half, dtype=torch.float64) / half).to(values.device)
    angles = values.to(torch.float64)[:, None] * rates[None]
    return torch.cat([angles.cos(), angles.sin()], dim=1).float()


def over_time(x: Tensor, frames: int) -> Tensor:
    """[B·F, C, H, W] → [B, C, F, H·W], free of copies where x is channels-last."""
    bf, c, h, w = x.shape
    return x.permute(0, 2, 3, 1).reshape(bf // frames, frames, h * w, c).permute(0, 3, 1, 2)


def over_space(x: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `over_time`."""
    b, c, f, _ = x.shape
    return x.permute(0, 2, 3, 1).reshape(b * f, height, width, c).permute(0, 3, 1, 2)


class TemporalConv(nn.Module):
    """A (3,1,1) convolution, zero-padded in time: Conv3d's weight, run as a 2-D convolution."""

    def __init__(self, channels: int):
        super().__init__()
        reference = nn.Conv3d(channels, channels, (3, 1, 1))
        self.weight, self.bias = reference.weight, reference.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight[..., 0], self.bias, padding=(1, 0))


class TemporalConvBlock(nn.Module):
    def __init__(self, channels: int, groups: int):
        super().__init__()

        def unit(gap: int) -> nn.Sequential:
            between = [nn.Identity()] * gap
            return nn.Sequential(nn.GroupNorm(groups, channels), nn.SiLU(), *between, TemporalConv(channels))

        self.conv1 = unit(0)
        self.conv2, self.conv3, self.conv4 = unit(1), unit(1), unit(1)
        nn.init.zeros_(self.conv4[-1].weight)
        nn.init.zeros_(self.conv4[-1].bias)

    def forward(self, x: Tensor, frames: int) -> Tensor:
        view = over_time(x, frames)
        y = self.conv4(self.conv3(self.conv2(self.conv1(view))))
        return over_space(view + y, x.shape[2], x.shape[3])


class ResBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, time_dim: int, groups: int):
        super().__init__()
        self.in_layers = nn.Sequential(nn.GroupNorm(groups, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1))
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, outputs))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(groups, outputs), nn.SiLU(), nn.Identity(), nn.Conv2d(outputs, outputs, 3, padding=1)
        )
        nn.init.zeros_(self.out_layers[3].weight)
        nn.init.zeros_(self.out_layers[3].bias)
        self.skip_connection = nn.Identity() if inputs == outputs else nn.Conv2d(inputs, outputs, 1)
        self.temopral_conv = TemporalConvBlock(outputs, groups)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(emb)[:, :, None, None]
        return self.temopral_conv(self.skip_connection(x) + self.out_layers(h), frames)


class Attention(nn.Module):
    def __init__(self, dim: int, heads: int, head_dim: int, context_dim: int):
        super().__init__()
        inner = heads * head_dim
        self.heads = heads
        self.to_q = nn.Linear(dim, inner, bias=False)
        self.to_k = nn.Linear(context_dim, inner, bias=False)
        self.to_v = nn.Linear(context_dim, inner, bias=False)
        self.to_out = nn.Sequential(nn.Linear(inner, dim))

    def forward(self, x: Tensor, context: Tensor | None = None, over_frames: bool = False) -> Tensor:
        """x [..., tokens, dim]; over_frames: x [B, F, N, dim], attending along F."""
        source = x if context is None else context
        q, k, v = (t.unflatten(-1, (self.heads, -1)) for t in (self.to_q(x), self.to_k(source), self.to_v(source)))
        if over_frames:
            q, k, v = (t.permute(0, 2, 3, 1, 4).flatten(0, 1) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v)
            y = y.unflatten(0, (x.shape[0], x.shape[2])).permute(0, 3, 1, 2, 4)
        else:
            q, k, v = (t.transpose(1, 2) for t in (q, k, v))
            y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        return self.to_out(y.flatten(-2))


class GatedProjection(nn.Module):
    def __init__(self, dim: int, inner: int):
        super().__init__()
        self.proj = nn.Linear(dim, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, dim: int):
        super().__init__()
        self.net = nn.Sequential(GatedProjection(dim, 4 * dim), nn.Identity(), nn.Linear(4 * dim, dim))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    """attn2 is cross-attention to the text in space, a second self-attention in time; absent in space without text."""

    def __init__(self, dim: int, heads: int, head_dim: int, context_dim: int, temporal: bool):
        super().__init__()
        self.temporal = temporal
        self.norm1 = nn.LayerNorm(dim)
        self.attn1 = Attention(dim, heads, head_dim, dim)
        if temporal or context_dim:
            self.norm2 = nn.LayerNorm(dim)
            self.attn2 = Attention(dim, heads, head_dim, dim if temporal else context_dim)
        else:
            self.attn2 = None
        self.norm3 = nn.LayerNorm(dim)
        self.ff = FeedForward(dim)

    def forward(self, x: Tensor, context: Tensor | None) -> Tensor:
        x = x + self.attn1(self.norm1(x), over_frames=self.temporal)
        if self.attn2 is not None:
            x = x + self.attn2(self.norm2(x), None if self.temporal else context, over_frames=self.temporal)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    def __init__(self, channels: int, heads: int, head_dim: int, context_dim: int, groups: int):
        super().__init__()
        inner = heads * head_dim
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, inner)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(inner, heads, head_dim, context_dim, False)])
        self.proj_out = nn.Linear(inner, channels)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        tokens = self.proj_in(self.norm(x).permute(0, 2, 3, 1).flatten(1, 2))
        tokens = self.proj_out(self.transformer_blocks[0](tokens, context))
        return x + tokens.unflatten(1, x.shape[2:]).permute(0, 3, 1, 2)


class PointwiseConv1d(nn.Module):
    """Conv1d with kernel 1 on [..., C] tokens: the checkpoint keeps the shape [out, in, 1]."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        reference = nn.Conv1d(inputs, outputs, 1)
        self.weight, self.bias = reference.weight, reference.bias

    def forward(self, x: Tensor) -> Tensor:
        return F.linear(x, self.weight[..., 0], self.bias)


class TemporalTransformer(nn.Module):
    def __init__(self, channels: int, heads: int, head_dim: int, groups: int):
        super().__init__()
        inner = heads * head_dim
        self.norm = nn.GroupNorm(groups, channels, eps=1e-6)
        self.proj_in = PointwiseConv1d(channels, inner)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(inner, heads, head_dim, 0, True)])
        self.proj_out = PointwiseConv1d(inner, channels)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        view = over_time(x, frames)
        tokens = self.proj_in(self.norm(view).permute(0, 2, 3, 1))
        tokens = self.proj_out(self.transformer_blocks[0](tokens, None))
        return x + over_space(tokens.permute(0, 3, 1, 2), x.shape[2], x.shape[3])


class Downsample(nn.Module):
    def __init__(self, channels: int, padding: str):
        super().__init__()
        self.op = nn.Conv2d(channels, channels, 3, stride=2, padding=(2, 1) if padding == "reference" else 1)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, channels: int, padding: str):
        super().__init__()
        self.drop_rows = padding == "reference"
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.conv(x[:, :, 1:-1] if self.drop_rows else x)


class InputConv(nn.Conv2d):
    def forward(self, x: Tensor, *_: object) -> Tensor:
        return super().forward(x)


class Stage(nn.ModuleList):
    """Blocks run one after another, as the official Sequential is."""

    def forward(self, x: Tensor, emb: Tensor, context: Tensor | None, frames: int) -> Tensor:
        for block in self:
            x = block(x, emb, context, frames)
        return x


class Encoder(nn.Module):
    """What UNet and ControlNet share: time embedding, input blocks, middle block."""

    def __init__(self, config: NetworkConfig):
        super().__init__()
        c = config
        self.config = c
        self.time_embed = nn.Sequential(nn.Linear(c.dim, c.time_dim), nn.SiLU(), nn.Linear(c.time_dim, c.time_dim))
        first = TemporalTransformer(c.dim, c.first_temporal_heads, c.head_dim, c.groups)
        self.input_blocks = nn.ModuleList([Stage([InputConv(c.latent_channels, c.dim, 3, padding=1), first])])
        self.skip_channels = [c.dim]
        width = c.dim
        for level, multiplier in enumerate(c.multipliers):
            for _ in range(c.blocks):
                self.input_blocks.append(Stage(self._blocks(width, c.dim * multiplier, level)))
                width = c.dim * multiplier
                self.skip_channels.append(width)
            if level + 1 < len(c.multipliers):
                self.input_blocks.append(Downsample(width, c.padding))
                self.skip_channels.append(width)
        self.middle_block = Stage([self._res(width, width), *self._attention(width), self._res(width, width)])
        self.middle_channels = width

    def _res(self, inputs: int, outputs: int) -> ResBlock:
        return ResBlock(inputs, outputs, self.config.time_dim, self.config.groups)

    def _attention(self, width: int) -> list[nn.Module]:
        c = self.config
        heads = width // c.head_dim
        return [
            SpatialTransformer(width, heads, c.head_dim, c.context_dim, c.groups),
            TemporalTransformer(width, heads, c.head_dim, c.groups),
        ]

    def _blocks(self, inputs: int, outputs: int, level: int) -> list[nn.Module]:
        attention = self._attention(outputs) if level in self.config.attention_levels else []
        return [self._res(inputs, outputs), *attention]


class VideoControlNet(Encoder):
    def __init__(self, config: NetworkConfig):
        super().__init__(config)
        c = config
        self.input_hint_block = nn.Conv2d(c.latent_channels, c.dim, 3, padding=1)
        self.hint_time_zero_linear = nn.Linear(c.time_dim, c.time_dim)
        self.scale_cond = nn.Sequential(nn.Linear(c.dim, c.time_dim), nn.SiLU(), nn.Linear(c.time_dim, c.time_dim))
        self.zero_convs = nn.ModuleList([nn.Sequential(nn.Conv2d(n, n, 1)) for n in self.skip_channels])
        self.middle_block_out = nn.Sequential(nn.Conv2d(self.middle_channels, self.middle_channels, 1))
        for layer in (self.hint_time_zero_linear, self.scale_cond[2]):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, sample: Tensor, hint: Tensor, key_frames: Tensor, time_features: Tensor, hint_time_features: Tensor,
        scale_features: Tensor, context: Tensor | None, frames: int,
    ) -> list[Tensor]:
        """sample, hint [B·F,Z,h,w] (hint zero off key frames), key_frames [B·F] of 0/1, features [B, dim]."""
        conditioned = self.hint_time_zero_linear(self.time_embed(hint_time_features)) + self.scale_cond(scale_features)
        key = key_frames[:, None]
        emb = self.time_embed(time_features).repeat_interleave(frames, 0)
        emb = emb + key.to(emb.dtype) * conditioned.repeat_interleave(frames, 0)
        first = self.input_blocks[0]
        x = first[0](sample)
        x = x + self.input_hint_block(hint) * key[:, :, None, None].to(x.dtype)
        x = first[1](x, emb, context, frames)
        residuals = [self.zero_convs[0](x)]
        for block, zero_conv in zip(self.input_blocks[1:], self.zero_convs[1:]):
            x = block(x, emb, context, frames)
            residuals.append(zero_conv(x))
        residuals.append(self.middle_block_out(self.middle_block(x, emb, context, frames)))
        return residuals


class UNet(Encoder):
    def __init__(self, config: NetworkConfig):
        super().__init__(config)
        c = config
        skips = list(self.skip_channels)
        width = self.middle_channels
        self.output_blocks = nn.ModuleList()
        for level in reversed(range(len(c.multipliers))):
            for index in range(c.blocks + 1):
                blocks = self._blocks(width + skips.pop(), c.dim * c.multipliers[level], level)
                width = c.dim * c.multipliers[level]
                if level > 0 and index == c.blocks:
                    blocks.append(Upsample(width, c.padding))
                self.output_blocks.append(Stage(blocks))
        self.out = nn.Sequential(
            nn.GroupNorm(c.groups, width), nn.SiLU(), nn.Conv2d(width, c.latent_channels, 3, padding=1)
        )
        nn.init.zeros_(self.out[2].weight)
        nn.init.zeros_(self.out[2].bias)

    def forward(
        self, sample: Tensor, time_features: Tensor, residuals: list[Tensor] | None, context: Tensor | None, frames: int
    ) -> Tensor:
        emb = self.time_embed(time_features).repeat_interleave(frames, 0)
        x, skips = sample, []
        for block in self.input_blocks:
            x = block(x, emb, context, frames)
            skips.append(x)
        x = self.middle_block(x, emb, context, frames)
        if residuals is not None:
            x = x + residuals[-1]
        for index, block in enumerate(self.output_blocks):
            skip = skips[-1 - index]
            if residuals is not None:
                skip = skip + residuals[-2 - index]
            x = block(torch.cat([x, skip], dim=1), emb, context, frames)
        return self.out(x)


class EnhancementNetwork(UNet):
    """The UNet with its ControlNet inside, so that `state_dict()` has exactly the official keys; and `decoder.*`, where the autoencoder learns."""

    def __init__(self, config: NetworkConfig):
        super().__init__(config)
        self.VideoControlNet = VideoControlNet(config)
        shape = config.extra.get("autoencoder", {}).get("refinement")
        self.decoder = Refinement(**shape) if shape else None

    def forward(  # type: ignore[override]
        self, sample: Tensor, hint: Tensor, key_frames: Tensor, timestep: Tensor, hint_timestep: Tensor, scale: Tensor,
        frames: int, context: Tensor | None = None,
    ) -> Tensor:
        """`scale` is what the sinusoid gets (nano: 8·scale); timesteps and scale [B]; context [B, tokens, width]."""
        dim = self.config.dim
        time_features, hint_features, scale_features = (sinusoid(v, dim) for v in (timestep, hint_timestep, scale))
        if context is not None:
            context = context.repeat_interleave(frames, 0)
        residuals = self.VideoControlNet(
            sample, hint, key_frames, time_features, hint_features, scale_features, context, frames
        )
        return super().forward(sample, time_features, residuals, context, frames)
