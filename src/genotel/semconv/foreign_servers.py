"""The servers and exporters that people run already, and what they call what we count.

One row a server, one line in :data:`SERVERS` or :data:`GPU_EXPORTERS`. Nothing of them was run here:
the names are those of their documentation or source, as each row says.
"""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv.foreign import (
    NO_MODEL_LABEL,
    NOT_OURS,
    OUTCOME_UNKNOWN,
    Amount,
    Calls,
    ForeignGpus,
    ForeignServer,
    Seconds,
    histogram,
)
from genotel.semconv.generation_metrics import DURATION, INFERENCE_DURATION
from genotel.semconv.spec import family_name, label_name

_MODEL = label_name(a.MODEL)
_ERROR = label_name(a.ERROR_TYPE)
# Not calls of a model: what the conventions record of agents and tools with the same metric.
_CALL = (label_name(a.OPERATION), "!~", "execute_tool|invoke_agent|create_agent|invoke_workflow")
_MIB = 2.0**20

VLLM = ForeignServer(
    name="vllm",
    title="vLLM",
    model_label="model_name",
    calls=(
        Calls("vllm:request_success_total", a.OUTCOME_OK, (("finished_reason", "!~", "abort|error"),)),
        Calls("vllm:request_success_total", a.OUTCOME_CANCELLED, (("finished_reason", "=", "abort"),)),
        Calls("vllm:request_success_total", a.OUTCOME_ERROR, (("finished_reason", "=", "error"),)),
    ),
    durations=histogram("vllm:e2e_request_latency_seconds"),
    running=Amount("vllm:num_requests_running"),
    waiting=Amount("vllm:num_requests_waiting"),
    first_token=Amount("vllm:time_to_first_token_seconds"),
    between_tokens=Amount("vllm:inter_token_latency_seconds"),
    input_tokens=Amount("vllm:prompt_tokens_total"),
    output_tokens=Amount("vllm:generation_tokens_total"),
    cache_used=Amount("vllm:kv_cache_usage_perc"),
    documented="vLLM documentation, Production Metrics",
    caveat="Requests that are refused before they reach the engine are not counted by it.",
)
SGLANG = ForeignServer(
    name="sglang",
    title="SGLang",
    model_label="model_name",
    calls=(Calls("sglang:num_requests_total", OUTCOME_UNKNOWN),),
    durations=histogram("sglang:e2e_request_latency_seconds"),
    running=Amount("sglang:num_running_reqs"),
    waiting=Amount("sglang:num_queue_reqs"),
    first_token=Amount("sglang:time_to_first_token_seconds"),
    between_tokens=Amount("sglang:inter_token_latency_seconds"),
    input_tokens=Amount("sglang:prompt_tokens_total"),
    output_tokens=Amount("sglang:generation_tokens_total"),
    cache_used=Amount("sglang:token_usage"),
    documented="source of SGLang's metrics collector",
    caveat="Outcomes are not told apart, so that there is no advice on failures.",
)
TGI = ForeignServer(
    name="tgi",
    title="Text Generation Inference",
    model_label=NO_MODEL_LABEL,
    calls=(Calls("tgi_request_success", a.OUTCOME_OK), Calls("tgi_request_failure", a.OUTCOME_ERROR)),
    durations=histogram("tgi_request_duration"),
    running=Amount("tgi_batch_current_size"),
    waiting=Amount("tgi_queue_size"),
    between_tokens=Amount("tgi_request_mean_time_per_token_duration"),
    input_tokens=Amount("tgi_request_input_length_sum"),
    output_tokens=Amount("tgi_request_generated_tokens_sum"),
    documented="TGI documentation, Metrics, and its router's source",
    caveat="A server has one model and no label for it: the scrape job stands for the model.",
)
TRITON = ForeignServer(
    name="triton",
    title="NVIDIA Triton",
    model_label="model",
    calls=(
        Calls("nv_inference_request_success", a.OUTCOME_OK),
        Calls("nv_inference_request_failure", a.OUTCOME_CANCELLED, (("reason", "=", "CANCELED"),)),
        Calls("nv_inference_request_failure", a.OUTCOME_ERROR, (("reason", "!=", "CANCELED"),)),
    ),
    durations=Seconds("nv_inference_request_duration_us", "nv_inference_request_success", scale=1e-6),
    waiting=Amount("nv_inference_pending_request_count"),
    documented="Triton user guide, Metrics",
    caveat="An ensemble and the models in it are counted each.",
)
OLLAMA_EXPORTER = ForeignServer(
    name="ollama-exporter",
    title="ollama-exporter (frcooper)",
    model_label="model",
    calls=(Calls("ollama_requests_total", OUTCOME_UNKNOWN),),
    durations=histogram("ollama_response_seconds"),
    loads=None,
    output_tokens=Amount("ollama_tokens_generated_total"),
    documented="source of frcooper/ollama-exporter",
    caveat="Its load times are recorded for every request, so that they are no loads and are not read.",
)
OLLAMA_METRICS = ForeignServer(
    name="ollama-metrics",
    title="ollama-metrics (NorskHelsenett)",
    model_label="model",
    calls=(Calls("ollama_request_duration_seconds_count", OUTCOME_UNKNOWN),),
    durations=histogram("ollama_request_duration_seconds"),
    between_tokens=Amount("ollama_time_per_token_seconds"),
    input_tokens=Amount("ollama_prompt_tokens_total"),
    output_tokens=Amount("ollama_generated_tokens_total"),
    documented="source of NorskHelsenett/ollama-metrics",
)
LITELLM = ForeignServer(
    name="litellm",
    title="LiteLLM proxy",
    model_label="litellm_model_name",
    calls=(
        Calls("litellm_deployment_success_responses_total", a.OUTCOME_OK),
        Calls("litellm_deployment_failure_responses_total", a.OUTCOME_ERROR),
    ),
    durations=histogram("litellm_llm_api_latency_metric", model_label="model"),
    first_token=Amount("litellm_llm_api_time_to_first_token_metric"),
    input_tokens=Amount("litellm_input_tokens_metric_total"),
    output_tokens=Amount("litellm_output_tokens_metric_total"),
    documented="LiteLLM documentation, Prometheus metrics, and its source",
    caveat="It names models as it is configured; a call that a server behind it knows by another name counts twice.",
)
COMFYUI = ForeignServer(
    name="comfyui",
    title="comfyui-prometheus-exporter (OliverGee)",
    model_label="ckpt",
    calls=(Calls("comfyui_checkpoint_requests_total", OUTCOME_UNKNOWN),),
    running=Amount("comfyui_queue_running"),
    waiting=Amount("comfyui_queue_pending"),
    documented="README of OliverGee/comfyui-prometheus-exporter",
    caveat="Durations and failures carry no model and are not read.",
)
LLAMA_CPP = ForeignServer(
    name="llama-cpp",
    title="llama.cpp server",
    model_label=NO_MODEL_LABEL,
    calls=(Calls("llamacpp:tokens_predicted_total", OUTCOME_UNKNOWN),),
    is_activity=True,
    running=Amount("llamacpp:requests_processing"),
    waiting=Amount("llamacpp:requests_deferred"),
    input_tokens=Amount("llamacpp:prompt_tokens_total"),
    output_tokens=Amount("llamacpp:tokens_predicted_total"),
    documented="llama.cpp, README of its server",
    caveat="It counts tokens and no calls: a use is a scrape with more of them. The scrape job stands for the model.",
)
OTEL_CLIENT = ForeignServer(
    name="otel-client",
    title="OpenTelemetry GenAI conventions, clients",
    model_label=_MODEL,
    calls=(
        Calls(f"{DURATION.family}_count", a.OUTCOME_OK, (NOT_OURS, _CALL, (_ERROR, "=", ""))),
        Calls(f"{DURATION.family}_count", a.OUTCOME_ERROR, (NOT_OURS, _CALL, (_ERROR, "!=", ""))),
    ),
    durations=histogram(DURATION.family, NOT_OURS, _CALL),
    documented="OpenTelemetry semantic conventions, GenAI metrics",
)
OTEL_INFERENCE = ForeignServer(
    name="otel-inference",
    title="OpenTelemetry GenAI conventions, clients (newest names)",
    model_label=_MODEL,
    calls=(
        Calls(f"{INFERENCE_DURATION.family}_count", a.OUTCOME_OK, (NOT_OURS, _CALL, (_ERROR, "=", ""))),
        Calls(f"{INFERENCE_DURATION.family}_count", a.OUTCOME_ERROR, (NOT_OURS, _CALL, (_ERROR, "!=", ""))),
    ),
    durations=histogram(INFERENCE_DURATION.family, NOT_OURS, _CALL),
    documented="OpenTelemetry semantic conventions, GenAI metrics",
)
_SERVER_DURATION = family_name("gen_ai.server.request.duration", "s")
OTEL_SERVER = ForeignServer(
    name="otel-server",
    title="OpenTelemetry GenAI conventions, servers",
    model_label=_MODEL,
    calls=(
        Calls(f"{_SERVER_DURATION}_count", a.OUTCOME_OK, (NOT_OURS, (_ERROR, "=", ""))),
        Calls(f"{_SERVER_DURATION}_count", a.OUTCOME_ERROR, (NOT_OURS, (_ERROR, "!=", ""))),
    ),
    durations=histogram(_SERVER_DURATION, NOT_OURS),
    first_token=Amount(family_name("gen_ai.server.time_to_first_token", "s")),
    between_tokens=Amount(family_name("gen_ai.server.time_per_output_token", "s")),
    documented="OpenTelemetry semantic conventions, GenAI metrics",
)

# One visible line per server. Where two know one model in one hour, the upper line tells of it.
SERVERS: tuple[ForeignServer, ...] = (
    VLLM,
    SGLANG,
    TGI,
    TRITON,
    OLLAMA_EXPORTER,
    OLLAMA_METRICS,
    COMFYUI,
    LLAMA_CPP,
    OTEL_SERVER,
    OTEL_INFERENCE,
    OTEL_CLIENT,
    LITELLM,
)

DCGM = ForeignGpus(
    name="dcgm",
    title="dcgm-exporter up to 4.8",
    gpu_label="UUID",
    memory_used=Amount("DCGM_FI_DEV_FB_USED", _MIB),
    memory_free=Amount("DCGM_FI_DEV_FB_FREE", _MIB),
    utilization=Amount("DCGM_FI_DEV_GPU_UTIL", 0.01),
    temperature=Amount("DCGM_FI_DEV_GPU_TEMP"),
    power=Amount("DCGM_FI_DEV_POWER_USAGE"),
    documented="etc/default-counters.csv of dcgm-exporter",
    caveat="It has no total: used and free together, without what the driver reserves.",
)
DCGM_BYTES = ForeignGpus(
    name="dcgm-4.9",
    title="dcgm-exporter from 4.9 on",
    gpu_label="UUID",
    memory_used=Amount("DCGM_FI_DEV_FB_USED_BYTES"),
    memory_free=Amount("DCGM_FI_DEV_FB_FREE_BYTES"),
    memory_total=Amount("DCGM_FI_DEV_FB_CAPACITY_BYTES"),
    utilization=Amount("DCGM_FI_DEV_GPU_UTIL_RATIO"),
    documented="release notes of dcgm-exporter 4.9.0",
    caveat="The release notes name the total and the units; the names of used, free and busy are inferred from them.",
)
NVIDIA_GPU_EXPORTER = ForeignGpus(
    name="nvidia-gpu-exporter",
    title="nvidia_gpu_exporter",
    gpu_label="uuid",
    memory_used=Amount("nvidia_smi_memory_used_bytes"),
    memory_free=Amount("nvidia_smi_memory_free_bytes"),
    memory_total=Amount("nvidia_smi_memory_total_bytes"),
    utilization=Amount("nvidia_smi_utilization_gpu_ratio"),
    temperature=Amount("nvidia_smi_temperature_gpu"),
    power=Amount("nvidia_smi_power_draw_watts"),
    documented="METRICS.md of utkuozdemir/nvidia_gpu_exporter",
)
TRITON_GPUS = ForeignGpus(
    name="triton-gpu",
    title="NVIDIA Triton",
    gpu_label="gpu_uuid",
    memory_used=Amount("nv_gpu_memory_used_bytes"),
    memory_total=Amount("nv_gpu_memory_total_bytes"),
    utilization=Amount("nv_gpu_utilization"),
    power=Amount("nv_gpu_power_usage"),
    documented="Triton user guide, Metrics",
)

# One visible line per exporter. Where two know one card, the upper line tells of it.
GPU_EXPORTERS: tuple[ForeignGpus, ...] = (DCGM_BYTES, DCGM, NVIDIA_GPU_EXPORTER, TRITON_GPUS)
