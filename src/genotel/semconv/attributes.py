"""Attribute keys and their closed sets of values.

Upstream keys are our own constants: the upstream module is private, deprecated and slow to import
(60-80 ms). Each key says whether it may be a metric label (low cardinality) or belongs on spans
only.
"""

from __future__ import annotations

# --- GenAI semantic conventions: metric labels -------------------------------------------------
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
OUTPUT_TYPE = "gen_ai.output.type"
INPUT_MESSAGES = "gen_ai.input.messages"
OUTPUT_MESSAGES = "gen_ai.output.messages"
TOKEN_TYPE = "gen_ai.token.type"
TOKEN_MODALITY = "gen_ai.token.modality"
ERROR_TYPE = "error.type"

# --- GenAI semantic conventions: spans only (values are unbounded) -----------------------------
INPUT_TOKENS = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS = "gen_ai.usage.output_tokens"
SEED = "gen_ai.request.seed"
MAX_TOKENS = "gen_ai.request.max_tokens"
TEMPERATURE = "gen_ai.request.temperature"
TOP_P = "gen_ai.request.top_p"
TOP_K = "gen_ai.request.top_k"
CHOICE_COUNT = "gen_ai.request.choice.count"
STREAM = "gen_ai.request.stream"
TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"

# --- what a user records on a span of ours by OpenTelemetry's own call ---------------------------
EXCEPTION_TYPE = "exception.type"
EXCEPTION_MESSAGE = "exception.message"
EXCEPTION_STACKTRACE = "exception.stacktrace"
EXCEPTION_ESCAPED = "exception.escaped"

# --- genotel: metric labels --------------------------------------------------------------------
OUTCOME = "genotel.outcome"
PHASE = "genotel.phase"
EXPERIMENT = "genotel.experiment"
VARIANT = "genotel.variant"
EVENT = "genotel.event"
LOAD_SOURCE = "genotel.load.source"
PARAMETER = "genotel.parameter"
PARAMETER_VALUE = "genotel.value"
SCORE_NAME = "genotel.score.name"
COLLECTOR = "genotel.collector"
PLACE = "genotel.place"
METRIC = "genotel.metric"
BUILD_VERSION = "genotel.version"
PYTHON_VERSION = "genotel.python"
FORMAT = "genotel.format"
CODE = "genotel.code"
WORKER_STATE = "genotel.worker.state"
PROCESS = "genotel.process"
HANDSHAKE_RESULT = "genotel.tls.result"
BATCH_NAME = "genotel.batch.name"
QUEUE_NAME = "genotel.queue.name"
FIGURE = "genotel.figure"
CACHE_RESULT = "genotel.cache.result"
VRAM_SHARED = "genotel.vram.shared"

# --- genotel: spans only -----------------------------------------------------------------------
STEPS = "genotel.generation.steps"
OUTPUTS = "genotel.generation.outputs"
QUEUE_SECONDS = "genotel.generation.queue.duration"
PARAMETER_PREFIX = "genotel.request."
BATCH_SIZE = "genotel.batch.size"
BATCH_INDEX = "genotel.batch.index"
BATCH_WAIT = "genotel.batch.queue.duration"

# --- host and process --------------------------------------------------------------------------
CPU_MODE = "cpu.mode"
CPU_NUMBER = "cpu.logical_number"
MEMORY_STATE = "system.memory.state"
PAGING_STATE = "system.paging.state"
PAGING_DIRECTION = "system.paging.direction"
DEVICE = "system.device"
MOUNTPOINT = "system.filesystem.mountpoint"
FILESYSTEM_TYPE = "system.filesystem.type"
FILESYSTEM_STATE = "system.filesystem.state"
DISK_DIRECTION = "disk.io.direction"
NETWORK_INTERFACE = "network.interface.name"
NETWORK_DIRECTION = "network.io.direction"
PROCESS_STATE = "process.state"
LOAD_WINDOW = "genotel.window"
PRESSURE_RESOURCE = "genotel.resource"
KIND = "genotel.kind"

# --- hardware and containers (semantic conventions) --------------------------------------------
HARDWARE_ID = "hw.id"
HARDWARE_TYPE = "hw.type"
HARDWARE_NAME = "hw.name"
HARDWARE_VENDOR = "hw.vendor"
HARDWARE_PARENT = "hw.parent"
HARDWARE_DRIVER = "hw.driver_version"
HARDWARE_STATE = "hw.state"
SENSOR_LOCATION = "hw.sensor_location"
GPU_TASK = "hw.gpu.task"
PROCESS_NAME = "process.executable.name"
PROCESS_ID = "process.pid"
CONTAINER_ID = "container.id"

# --- hardware: ours ----------------------------------------------------------------------------
GPU_INDEX = "genotel.gpu.index"
GPU_BUS = "genotel.gpu.bus"
GPU_PROFILE = "genotel.gpu.mig.profile"
GPU_CLOCK = "genotel.gpu.clock.domain"
REASON = "genotel.reason"
SYSTEMD_UNIT = "genotel.systemd.unit"

# --- models on disk ----------------------------------------------------------------------------
MODEL_LOCATION = "genotel.model.location"
MODEL_FORMAT = "genotel.model.format"

# --- databases: semantic conventions, then ours -------------------------------------------------
DATABASE_SYSTEM = "db.system.name"
DATABASE = "db.namespace"
DATABASE_OPERATION = "db.operation.name"
TABLE = "db.collection.name"
POOL = "db.client.connection.pool.name"
POOL_STATE = "db.client.connection.state"
SESSION_STATE = "genotel.database.connection.state"
LOCK_MODE = "genotel.database.lock.mode"
LOCK_STATE = "genotel.database.lock.state"
TRANSACTION_END = "genotel.database.transaction.end"
BLOCK_SOURCE = "genotel.database.block.source"
SCAN = "genotel.database.scan"
ROW_STATE = "genotel.database.row.state"

# --- advice ------------------------------------------------------------------------------------
ADVICE_PRIORITY = "genotel.priority"
RESULT = "genotel.result"
HORIZON = "genotel.horizon"
BAND = "genotel.band"

# --- resource and scope ------------------------------------------------------------------------
SERVICE_NAME = "service.name"
SERVICE_INSTANCE = "service.instance.id"
SCOPE = "genotel"
SCOPE_NAME = "otel.scope.name"
SCOPE_VERSION = "otel.scope.version"
SCOPE_SCHEMA_URL = "otel.scope.schema_url"
# What the SDK puts on the one point that stands for everything over its limit.
OVERFLOW = "otel.metric.overflow"
# The last release of the general conventions that our names follow.
SCHEMA_URL = "https://opentelemetry.io/schemas/1.44.0"

# --- closed sets of values ---------------------------------------------------------------------
OUTCOME_OK = "ok"
OUTCOME_ERROR = "error"
OUTCOME_OUT_OF_MEMORY = "out_of_memory"
OUTCOME_CANCELLED = "cancelled"
OUTCOME_ABANDONED = "abandoned"
OUTCOMES = (OUTCOME_OK, OUTCOME_ERROR, OUTCOME_OUT_OF_MEMORY, OUTCOME_CANCELLED, OUTCOME_ABANDONED)

PHASES = ("queue", "load", "preprocess", "encode", "denoise", "prefill", "decode", "postprocess", "save")

EVENT_LOAD = "load"
EVENT_UNLOAD = "unload"
EVENTS = ("request", "start", "complete", "fail", EVENT_LOAD, EVENT_UNLOAD, "evict", "download", "health_check")
EVENT_OUTCOMES = (OUTCOME_OK, OUTCOME_ERROR)

OUTPUT_TEXT = "text"

TOKEN_INPUT = "input"
TOKEN_OUTPUT = "output"
TOKEN_TYPES = (TOKEN_INPUT, TOKEN_OUTPUT)

REFUSED_FULL = "full"
REFUSED_TIMEOUT = "timeout"
REFUSALS = (REFUSED_FULL, REFUSED_TIMEOUT)

# What an update of batch statistics is made of.
FIGURES = ("processing_time", "batch_size", "queue_time", "latency", "queue_length", "error", "timestamp")

WORKER_LIVE = "live"
WORKER_ENDED = "ended"
WORKER_UNREADABLE = "unreadable"
WORKER_STATES = (WORKER_LIVE, WORKER_ENDED, WORKER_UNREADABLE)

HANDSHAKE_DONE = "done"
HANDSHAKE_FAILED = "failed"
HANDSHAKE_TIMEOUT = "timeout"
HANDSHAKE_NAME = "name"
HANDSHAKE_PLAIN = "plain"
HANDSHAKE_RESULTS = (HANDSHAKE_DONE, HANDSHAKE_FAILED, HANDSHAKE_TIMEOUT, HANDSHAKE_NAME, HANDSHAKE_PLAIN)

CACHE_HIT = "hit"
CACHE_MISS = "miss"
CACHE_RESULTS = (CACHE_HIT, CACHE_MISS)

# The first word of a statement; the conventions write it as SQL does.
DATABASE_OPERATIONS = (
    *("SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "WITH", "VALUES", "CALL", "EXECUTE", "COPY", "TABLE"),
    *("CREATE", "ALTER", "DROP", "TRUNCATE", "REINDEX", "VACUUM", "ANALYZE", "EXPLAIN", "PRAGMA", "REFRESH"),
    *("BEGIN", "START", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE", "SET", "RESET", "SHOW", "LOCK", "LISTEN"),
    *("NOTIFY", "DECLARE", "FETCH", "CLOSE", "GRANT", "REVOKE", "USE", "DO", "other"),
)
DATABASE_OUTCOMES = (OUTCOME_OK, OUTCOME_ERROR)
POOL_IDLE = "idle"
POOL_USED = "used"
POOL_STATES = (POOL_IDLE, POOL_USED)
SESSION_STATES = ("active", "idle", "idle_in_transaction", "aborted", "other")
LOCK_GRANTED = "granted"
LOCK_WAITING = "waiting"
LOCK_STATES = (LOCK_GRANTED, LOCK_WAITING)
TRANSACTION_COMMIT = "commit"
TRANSACTION_ROLLBACK = "rollback"
TRANSACTION_ENDS = (TRANSACTION_COMMIT, TRANSACTION_ROLLBACK)
BLOCK_CACHE = "cache"
BLOCK_DISK = "disk"
BLOCK_SOURCES = (BLOCK_CACHE, BLOCK_DISK)
SCAN_INDEX = "index"
SCAN_SEQUENTIAL = "sequential"
SCANS = (SCAN_INDEX, SCAN_SEQUENTIAL)
ROWS_LIVE = "live"
ROWS_DEAD = "dead"
ROW_STATES = (ROWS_LIVE, ROWS_DEAD)

ADVICE_PRIORITIES = ("low", "medium", "high")

RESULT_RIGHT = "right"
RESULT_WRONG = "wrong"
RESULT_EXPIRED = "expired"
ADVICE_RESULTS = (RESULT_RIGHT, RESULT_WRONG, RESULT_EXPIRED)

RESULT_OK = "ok"
RESULT_ERROR = "error"
RUN_RESULTS = (RESULT_OK, RESULT_ERROR)

RESULT_DELIVERED = "delivered"
RESULT_FAILED = "failed"
DELIVERY_RESULTS = (RESULT_DELIVERED, RESULT_FAILED)

NEXT_HOUR = "1h"
NEXT_DAY = "1d"
HORIZONS = (NEXT_HOUR, NEXT_DAY)

BAND_LOWER = "lower"
BAND_LEVEL = "level"
BAND_UPPER = "upper"
BANDS = (BAND_LOWER, BAND_LEVEL, BAND_UPPER)

# What is over a cap of distinct values is folded into this one.
OTHER = "other"
# The semantic conventions' fallback value of error.type.
OTHER_ERROR = "_OTHER"
