"""Pipelines of diffusers so small that they run on any processor: random weights, made here, nothing downloaded.

What they make is noise, and honest work all the same: real text encoders, denoisers, schedulers and
autoencoders take the same steps as large ones. Imported only where diffusers and torch are installed.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

WORDS = ("<pad>", "</s>", "<unk>", "a", "cat", "walks", "on", "grass", "dog", "the", "red", "hi")

# What a call of each takes; Wan gives 9 frames of 16 by 16 pixels, Stable Diffusion a picture of 32 by 32.
WAN: dict[str, Any] = {
    "prompt": "a cat walks on the grass",
    "negative_prompt": "red dog",
    "height": 16,
    "width": 16,
    "num_frames": 9,
    "num_inference_steps": 4,
    "guidance_scale": 5.0,
    "max_sequence_length": 16,
    "output_type": "pt",
}
STABLE_DIFFUSION: dict[str, Any] = {
    "prompt": "a cat",
    "num_inference_steps": 4,
    "height": 32,
    "width": 32,
    "output_type": "pt",
}


def tokenizer(max_length: int = 77) -> Any:
    """Return a tokenizer of twelve words."""
    tokenizers, transformers = import_module("tokenizers"), import_module("transformers")
    made = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({word: number for number, word in enumerate(WORDS)}, unk_token="<unk>")  # noqa: S106
    )
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return transformers.PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="<pad>",  # noqa: S106
        eos_token="</s>",  # noqa: S106
        unk_token="<unk>",  # noqa: S106
        model_max_length=max_length,
        clean_up_tokenization_spaces=False,
    )


def quiet(pipeline: Any) -> Any:
    """Return a pipeline as a loaded one is: it drops nothing out by chance; and without a bar on the screen."""
    module = import_module("torch").nn.Module
    for part in pipeline.components.values():
        if isinstance(part, module):
            part.eval()
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def clip_text() -> Any:
    """Return a text encoder."""
    transformers = import_module("transformers")
    return transformers.CLIPTextModel(
        transformers.CLIPTextConfig(
            bos_token_id=0,
            eos_token_id=1,
            pad_token_id=0,
            hidden_size=32,
            intermediate_size=64,
            num_attention_heads=4,
            num_hidden_layers=2,
            vocab_size=64,
            projection_dim=32,
        )
    )


def unet(
    down: tuple[str, ...] = ("DownBlock2D", "CrossAttnDownBlock2D"),
    up: tuple[str, ...] = ("CrossAttnUpBlock2D", "UpBlock2D"),
) -> Any:
    """Return what denoises small pictures."""
    return import_module("diffusers").UNet2DConditionModel(
        block_out_channels=(4, 8),
        layers_per_block=1,
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=down,
        up_block_types=up,
        cross_attention_dim=32,
        attention_head_dim=2,
        norm_num_groups=2,
    )


def vae() -> Any:
    """Return what makes latents pictures."""
    return import_module("diffusers").AutoencoderKL(
        block_out_channels=[4, 8],
        in_channels=3,
        out_channels=3,
        down_block_types=["DownEncoderBlock2D"] * 2,
        up_block_types=["UpDecoderBlock2D"] * 2,
        latent_channels=4,
        norm_num_groups=2,
    )


def stable_diffusion(kind: str = "StableDiffusionPipeline") -> Any:
    """Return a text-to-image pipeline, of that class; the weights are the same each time."""
    import_module("torch").manual_seed(0)
    diffusers = import_module("diffusers")
    return quiet(
        getattr(diffusers, kind)(
            unet=unet(),
            scheduler=diffusers.DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
            vae=vae(),
            text_encoder=clip_text(),
            tokenizer=tokenizer(77),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    )


def wan() -> Any:
    """Return a text-to-video pipeline; the weights are the same each time."""
    import_module("torch").manual_seed(0)
    diffusers, transformers = import_module("diffusers"), import_module("transformers")
    return quiet(
        diffusers.WanPipeline(
            tokenizer=tokenizer(),
            text_encoder=transformers.UMT5EncoderModel(
                transformers.UMT5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)
            ),
            vae=diffusers.AutoencoderKLWan(
                base_dim=3, z_dim=16, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True]
            ),
            transformer=diffusers.WanTransformer3DModel(
                patch_size=(1, 2, 2),
                num_attention_heads=2,
                attention_head_dim=12,
                in_channels=16,
                out_channels=16,
                text_dim=32,
                freq_dim=256,
                ffn_dim=32,
                num_layers=2,
                cross_attn_norm=True,
                qk_norm="rms_norm_across_heads",
                rope_max_seq_len=32,
            ),
            scheduler=diffusers.FlowMatchEulerDiscreteScheduler(shift=7.0),
        )
    )
