"""The metrics of generation calls: METRICS.md, "Generations"."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from genotel.semconv import attributes as a
from genotel.semconv import buckets
from genotel.semconv.spec import Kind, MetricSpec

# M of METRICS.md: what every generation metric is told apart by. Experiment and variant are there
# only while an experiment is set.
CALL_LABELS = (a.OPERATION, a.PROVIDER, a.MODEL, a.EXPERIMENT, a.VARIANT)

REQUESTS = MetricSpec(
    "genotel.generation.requests",
    Kind.COUNTER,
    "{request}",
    "Finished generation calls by outcome; the count of record, born at 0 for every outcome.",
    labels=(*CALL_LABELS, a.OUTCOME),
    closed=((a.OUTCOME, a.OUTCOMES),),
    observable=True,
)
STARTED = MetricSpec(
    "genotel.generation.started",
    Kind.COUNTER,
    "{request}",
    "Generation calls that were begun.",
    labels=CALL_LABELS,
    observable=True,
)
ACTIVE = MetricSpec(
    "genotel.generation.active",
    Kind.UP_DOWN_COUNTER,
    "{request}",
    "Generation calls that are running now.",
    labels=CALL_LABELS,
    observable=True,
)
DURATION = MetricSpec(
    "gen_ai.client.operation.duration",
    Kind.HISTOGRAM,
    "s",
    "Time from the start of a generation call to its end.",
    labels=(*CALL_LABELS, a.ERROR_TYPE),
    buckets=buckets.DURATION_SECONDS,
)
TIME_TO_FIRST_CHUNK = MetricSpec(
    "gen_ai.client.operation.time_to_first_chunk",
    Kind.HISTOGRAM,
    "s",
    "Time from the start of a streamed call to its first chunk.",
    labels=CALL_LABELS,
    buckets=buckets.DURATION_SECONDS,
)
TIME_PER_OUTPUT_CHUNK = MetricSpec(
    "gen_ai.client.operation.time_per_output_chunk",
    Kind.HISTOGRAM,
    "s",
    "Time from one chunk of a stream to the next, what the consumer took included.",
    labels=CALL_LABELS,
    buckets=buckets.DURATION_SECONDS,
)
TOKEN_USAGE = MetricSpec(
    "gen_ai.client.token.usage",
    Kind.HISTOGRAM,
    "{token}",
    "Tokens read and written by a call.",
    labels=(*CALL_LABELS, a.TOKEN_TYPE),
    buckets=buckets.TOKENS,
    closed=((a.TOKEN_TYPE, a.TOKEN_TYPES),),
)
# The newest GenAI conventions rename the five above; OTEL_SEMCONV_STABILITY_OPT_IN chooses them.
INFERENCE_DURATION = replace(DURATION, name="gen_ai.client.inference.duration")
INFERENCE_TIME_TO_FIRST_CHUNK = replace(TIME_TO_FIRST_CHUNK, name="gen_ai.client.inference.time_to_first_chunk")
INFERENCE_TIME_PER_OUTPUT_CHUNK = replace(TIME_PER_OUTPUT_CHUNK, name="gen_ai.client.inference.time_per_output_chunk")
INFERENCE_INPUT_TOKENS = MetricSpec(
    "gen_ai.client.inference.operation.input_tokens",
    Kind.HISTOGRAM,
    "{token}",
    "Tokens read by a call.",
    labels=CALL_LABELS,
    buckets=buckets.TOKENS,
)
INFERENCE_OUTPUT_TOKENS = replace(
    INFERENCE_INPUT_TOKENS, name="gen_ai.client.inference.operation.output_tokens", help="Tokens written by a call."
)
INFERENCE_USAGE_INPUT_TOKENS = MetricSpec(
    "gen_ai.client.inference.usage.input_tokens",
    Kind.COUNTER,
    "{token}",
    "Tokens read.",
    labels=(*CALL_LABELS, a.TOKEN_MODALITY),
    observable=True,
)
INFERENCE_USAGE_OUTPUT_TOKENS = replace(
    INFERENCE_USAGE_INPUT_TOKENS, name="gen_ai.client.inference.usage.output_tokens", help="Tokens written."
)


class Vintage(NamedTuple):
    """Name the metrics that differ between two vintages of the GenAI conventions.

    ``input_tokens`` and ``output_tokens`` are one metric in the older vintage, told apart by
    ``gen_ai.token.type``.
    """

    duration: MetricSpec
    time_to_first_chunk: MetricSpec
    time_per_output_chunk: MetricSpec
    input_tokens: MetricSpec
    output_tokens: MetricSpec
    usage_input_tokens: MetricSpec | None = None
    usage_output_tokens: MetricSpec | None = None


# Dashboards of others exist for these, and every peer emits them.
OLDER = Vintage(DURATION, TIME_TO_FIRST_CHUNK, TIME_PER_OUTPUT_CHUNK, TOKEN_USAGE, TOKEN_USAGE)
NEWER = Vintage(
    INFERENCE_DURATION,
    INFERENCE_TIME_TO_FIRST_CHUNK,
    INFERENCE_TIME_PER_OUTPUT_CHUNK,
    INFERENCE_INPUT_TOKENS,
    INFERENCE_OUTPUT_TOKENS,
    INFERENCE_USAGE_INPUT_TOKENS,
    INFERENCE_USAGE_OUTPUT_TOKENS,
)
# The token of OTEL_SEMCONV_STABILITY_OPT_IN that asks for the newest names, and not the older ones.
NEWER_OPT_IN = "gen_ai_latest_experimental"

OUTPUTS = MetricSpec(
    "genotel.generation.outputs",
    Kind.COUNTER,
    "{output}",
    "Images, clips or answers that were made.",
    labels=(*CALL_LABELS, a.OUTPUT_TYPE),
    observable=True,
)
OUTPUT_FRAMES = MetricSpec(
    "genotel.generation.output.frames",
    Kind.COUNTER,
    "{frame}",
    "Frames of video that were made.",
    labels=(*CALL_LABELS, a.OUTPUT_TYPE),
    observable=True,
)
OUTPUT_PIXELS = MetricSpec(
    "genotel.generation.output.pixels",
    Kind.COUNTER,
    "{pixel}",
    "Pixels that were made, over all images and frames.",
    labels=(*CALL_LABELS, a.OUTPUT_TYPE),
    observable=True,
)
OUTPUT_SECONDS = MetricSpec(
    "genotel.generation.output.seconds",
    Kind.COUNTER,
    "s",
    "Playing time of the video or audio that was made.",
    labels=(*CALL_LABELS, a.OUTPUT_TYPE),
    observable=True,
)
STEPS = MetricSpec(
    "genotel.generation.steps",
    Kind.COUNTER,
    "{step}",
    "Denoising or decoding steps that were done.",
    labels=CALL_LABELS,
    observable=True,
)
STEP_DURATION = MetricSpec(
    "genotel.generation.step.duration",
    Kind.HISTOGRAM,
    "s",
    "Time of one step.",
    labels=CALL_LABELS,
    buckets=buckets.STEP_SECONDS,
)
PHASE_DURATION = MetricSpec(
    "genotel.generation.phase.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that a call spent in one phase.",
    labels=(*CALL_LABELS, a.PHASE),
    buckets=buckets.DURATION_SECONDS,
    closed=((a.PHASE, a.PHASES),),
)
QUEUE_DURATION = MetricSpec(
    "genotel.generation.queue.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that a call waited before it began.",
    labels=CALL_LABELS,
    buckets=buckets.DURATION_SECONDS,
)
VRAM_PEAK = MetricSpec(
    "genotel.generation.vram.peak",
    Kind.HISTOGRAM,
    "By",
    "Most GPU memory that torch held during a call; shared where calls overlapped.",
    labels=(*CALL_LABELS, a.HARDWARE_ID, a.VRAM_SHARED),
    # 64 MiB doubling to 1 TiB.
    buckets=tuple(float(2**power) for power in range(26, 41)),
)
PARAMETERS = MetricSpec(
    "genotel.generation.parameters",
    Kind.COUNTER,
    "{request}",
    "Calls by the value of a parameter (resolution, steps); values over a cap are counted as other.",
    labels=(*CALL_LABELS, a.PARAMETER, a.PARAMETER_VALUE),
    observable=True,
)
SCORE = MetricSpec(
    "genotel.generation.score",
    Kind.HISTOGRAM,
    "1",
    "Quality figures that the user recorded of a call, from 0 to 1.",
    labels=(*CALL_LABELS, a.SCORE_NAME),
    buckets=buckets.SCORES,
)

GENERATION_METRICS = (
    REQUESTS,
    STARTED,
    ACTIVE,
    DURATION,
    TIME_TO_FIRST_CHUNK,
    TIME_PER_OUTPUT_CHUNK,
    TOKEN_USAGE,
    *NEWER[:5],
    INFERENCE_USAGE_INPUT_TOKENS,
    INFERENCE_USAGE_OUTPUT_TOKENS,
    OUTPUTS,
    OUTPUT_FRAMES,
    OUTPUT_PIXELS,
    OUTPUT_SECONDS,
    STEPS,
    STEP_DURATION,
    PHASE_DURATION,
    QUEUE_DURATION,
    VRAM_PEAK,
    PARAMETERS,
    SCORE,
)
