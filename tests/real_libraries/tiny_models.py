"""Tiny models of real libraries with random weights: made in memory, nothing is downloaded."""

from __future__ import annotations

import torch

from genotel.demo.tiny_pipelines import (
    STABLE_DIFFUSION,
    WAN,
    clip_text,
    quiet,
    stable_diffusion,
    tokenizer,
    unet,
    vae,
    wan,
)

__all__ = ["STABLE_DIFFUSION", "WAN", "stable_diffusion", "wan"]


def flux():
    """Return a text-to-image pipeline with a transformer."""
    from diffusers import AutoencoderKL, FlowMatchEulerDiscreteScheduler, FluxPipeline, FluxTransformer2DModel
    from transformers import T5Config, T5EncoderModel

    torch.manual_seed(0)
    pipeline = FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        text_encoder=clip_text(),
        text_encoder_2=T5EncoderModel(T5Config(vocab_size=64, d_model=32, d_kv=8, d_ff=37, num_layers=2, num_heads=4)),
        tokenizer=tokenizer(77),
        tokenizer_2=tokenizer(48),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=4,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=32,
            pooled_projection_dim=32,
            axes_dims_rope=[4, 4, 8],
        ),
        vae=AutoencoderKL(
            sample_size=32,
            in_channels=3,
            out_channels=3,
            block_out_channels=(4,),
            layers_per_block=1,
            latent_channels=1,
            norm_num_groups=1,
            use_quant_conv=False,
            use_post_quant_conv=False,
            shift_factor=0.0609,
            scaling_factor=1.5035,
        ),
    )
    return quiet(pipeline)


FLUX = {
    "prompt": "a cat",
    "num_inference_steps": 4,
    "guidance_scale": 5.0,
    "height": 8,
    "width": 8,
    "max_sequence_length": 48,
    "output_type": "pt",
}


def unconditional():
    """Return a pipeline without callbacks, whose bar is iterated over."""
    from diffusers import DDPMPipeline, DDPMScheduler, UNet2DModel

    torch.manual_seed(0)
    pipeline = DDPMPipeline(
        unet=UNet2DModel(
            block_out_channels=(4, 8),
            layers_per_block=1,
            norm_num_groups=4,
            sample_size=8,
            in_channels=3,
            out_channels=3,
            down_block_types=("DownBlock2D", "DownBlock2D"),
            up_block_types=("UpBlock2D", "UpBlock2D"),
        ),
        scheduler=DDPMScheduler(num_train_timesteps=10),
    )
    return quiet(pipeline)


UNCONDITIONAL = {"num_inference_steps": 4, "output_type": "np"}


def llama():
    """Return a language model that never says that it has ended."""
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=128,
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            pad_token_id=0,
            eos_token_id=None,
            bos_token_id=1,
        )
    ).eval()


def token_ids(batch=1):
    """Return a prompt of twelve tokens."""
    return torch.randint(2, 120, (batch, 12), generator=torch.Generator().manual_seed(1))


def bert_folder(folder):
    """Write a small encoder and its tokenizer to a folder."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=64,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=37,
        max_position_embeddings=64,
        num_labels=1,
    )
    BertModel(config).save_pretrained(folder)
    tokenizer(64).save_pretrained(folder)
    return folder


def onnx_bytes():
    """Return a model of one product and one ReLU."""
    import numpy as np
    from onnx import TensorProto, helper

    weights = np.random.default_rng(0).random(256).astype("f4")
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y0"]), helper.make_node("Relu", ["y0"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 16])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 16])],
        [helper.make_tensor("w", TensorProto.FLOAT, [16, 16], weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 9
    return model.SerializeToString()


def adapter():
    """Return a pipeline with the older callback, and a picture to go by."""
    from diffusers import DDIMScheduler, StableDiffusionAdapterPipeline, T2IAdapter

    torch.manual_seed(0)
    pipeline = StableDiffusionAdapterPipeline(
        unet=unet(("CrossAttnDownBlock2D", "DownBlock2D"), ("UpBlock2D", "CrossAttnUpBlock2D")),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False),
        vae=vae(),
        text_encoder=clip_text(),
        tokenizer=tokenizer(77),
        adapter=T2IAdapter(in_channels=3, channels=[4, 8], num_res_blocks=1, downscale_factor=2),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    return quiet(pipeline)


ADAPTER = {**STABLE_DIFFUSION, "image": torch.zeros(1, 3, 32, 32)}


def combined():
    """Return a pipeline that calls two others: one makes an embedding of the words, one a picture of that."""
    from diffusers import (
        DDIMScheduler,
        KandinskyV22CombinedPipeline,
        PriorTransformer,
        UnCLIPScheduler,
        UNet2DConditionModel,
        VQModel,
    )
    from transformers import (
        CLIPImageProcessor,
        CLIPTextConfig,
        CLIPTextModelWithProjection,
        CLIPVisionConfig,
        CLIPVisionModelWithProjection,
    )

    torch.manual_seed(0)
    prior = PriorTransformer(num_attention_heads=2, attention_head_dim=12, embedding_dim=32, num_layers=1)
    prior.clip_std = torch.nn.Parameter(torch.ones(prior.clip_std.shape))
    pipeline = KandinskyV22CombinedPipeline(
        prior_prior=prior,
        prior_image_encoder=CLIPVisionModelWithProjection(
            CLIPVisionConfig(
                hidden_size=32,
                image_size=28,
                projection_dim=32,
                intermediate_size=37,
                num_attention_heads=4,
                num_hidden_layers=1,
                patch_size=14,
            )
        ),
        prior_text_encoder=CLIPTextModelWithProjection(
            CLIPTextConfig(
                bos_token_id=0,
                eos_token_id=1,
                pad_token_id=0,
                hidden_size=32,
                projection_dim=32,
                intermediate_size=37,
                num_attention_heads=4,
                num_hidden_layers=1,
                vocab_size=64,
            )
        ),
        prior_tokenizer=tokenizer(77),
        prior_scheduler=UnCLIPScheduler(
            variance_type="fixed_small_log",
            prediction_type="sample",
            num_train_timesteps=1000,
            clip_sample=True,
            clip_sample_range=10.0,
        ),
        prior_image_processor=CLIPImageProcessor(crop_size=28, size=28),
        unet=UNet2DConditionModel(
            in_channels=4,
            out_channels=8,
            addition_embed_type="image",
            down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
            up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            block_out_channels=(32, 64),
            layers_per_block=1,
            encoder_hid_dim=32,
            encoder_hid_dim_type="image_proj",
            cross_attention_dim=32,
            attention_head_dim=4,
            resnet_time_scale_shift="scale_shift",
        ),
        movq=VQModel(
            block_out_channels=[32, 64],
            down_block_types=["DownEncoderBlock2D", "AttnDownEncoderBlock2D"],
            in_channels=3,
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=8,
            norm_type="spatial",
            num_vq_embeddings=12,
            out_channels=3,
            up_block_types=["AttnUpDecoderBlock2D", "UpDecoderBlock2D"],
            vq_embed_dim=4,
        ),
        scheduler=DDIMScheduler(clip_sample=False, set_alpha_to_one=False, steps_offset=1),
    )
    return quiet(pipeline)


COMBINED = {
    "prompt": "a cat",
    "negative_prompt": "red dog",
    "num_inference_steps": 2,
    "prior_num_inference_steps": 2,
    "height": 32,
    "width": 32,
    "output_type": "np",
}


def t5():
    """Return a model that reads with one half and writes with the other."""
    from transformers import T5Config, T5ForConditionalGeneration

    torch.manual_seed(0)
    config = T5Config(
        vocab_size=64,
        d_model=32,
        d_kv=8,
        d_ff=37,
        num_layers=1,
        num_heads=4,
        pad_token_id=0,
        eos_token_id=1,
        decoder_start_token_id=0,
    )
    return T5ForConditionalGeneration(config).eval()
