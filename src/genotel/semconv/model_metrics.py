"""The metrics of models in memory: METRICS.md, "Models"."""

from __future__ import annotations

from genotel.semconv import attributes as a
from genotel.semconv import buckets
from genotel.semconv.spec import Kind, Merge, MetricSpec

LOAD_DURATION = MetricSpec(
    "genotel.model.load.duration",
    Kind.HISTOGRAM,
    "s",
    "Time that loading a model into memory took.",
    labels=(a.MODEL, a.LOAD_SOURCE, a.ERROR_TYPE),
    buckets=buckets.LOAD_SECONDS,
)
EVENTS = MetricSpec(
    "genotel.model.events",
    Kind.COUNTER,
    "{event}",
    "Things that happened to a model, by kind and outcome.",
    labels=(a.MODEL, a.EVENT, a.OUTCOME),
    closed=((a.OUTCOME, a.EVENT_OUTCOMES),),
    observable=True,
)
RESIDENT = MetricSpec(
    "genotel.model.resident",
    Kind.GAUGE,
    "{model}",
    "Whether a model is loaded: 1 while it is, 0 after it was unloaded.",
    labels=(a.MODEL,),
    merge=Merge.SUM,
    observable=True,
)
LAST_USED = MetricSpec(
    "genotel.model.last_used.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which the last call of a model began.",
    labels=(a.MODEL,),
    merge=Merge.MAX,
    observable=True,
)
VRAM_USAGE = MetricSpec(
    "genotel.model.vram.usage",
    Kind.GAUGE,
    "By",
    "GPU memory that the weights of a model hold since it was loaded or moved last, of all its loaded copies.",
    labels=(a.MODEL, a.HARDWARE_ID),
    merge=Merge.SUM,
    observable=True,
)
VRAM_PEAK = MetricSpec(
    "genotel.model.vram.peak",
    Kind.GAUGE,
    "By",
    "Most GPU memory that torch held during a call of a model that overlapped with no other.",
    labels=(a.MODEL, a.HARDWARE_ID),
    merge=Merge.MAX,
    observable=True,
)
TORCH_ALLOCATED = MetricSpec(
    "genotel.torch.memory.allocated",
    Kind.GAUGE,
    "By",
    "GPU memory that torch's allocator has given to tensors.",
    labels=(a.HARDWARE_ID,),
    merge=Merge.SUM,
    observable=True,
)
TORCH_RESERVED = MetricSpec(
    "genotel.torch.memory.reserved",
    Kind.GAUGE,
    "By",
    "GPU memory that torch's allocator holds of the device: what tensors have, and what it keeps for the next ones.",
    labels=(a.HARDWARE_ID,),
    merge=Merge.SUM,
    observable=True,
)
# Emitted by the inventory of the disk, by agents of others too.
MODEL_SIZE = MetricSpec(
    "genotel.model.size",
    Kind.GAUGE,
    "By",
    "Size of a model's files on disk; a file that several models have is counted once.",
    labels=(a.MODEL, a.MODEL_LOCATION, a.MODEL_FORMAT),
    merge=Merge.MAX,
)
MODEL_FILES = MetricSpec(
    "genotel.model.files",
    Kind.GAUGE,
    "{file}",
    "Files of a model on disk, each counted once.",
    labels=(a.MODEL, a.MODEL_LOCATION, a.MODEL_FORMAT),
    merge=Merge.MAX,
)
MODEL_SHARED = MetricSpec(
    "genotel.model.shared.size",
    Kind.GAUGE,
    "By",
    "Part of a model's size that other models have too: deleting this one does not free it.",
    labels=(a.MODEL, a.MODEL_LOCATION),
    merge=Merge.MAX,
)
MODEL_LAST_READ = MetricSpec(
    "genotel.model.last_read.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which a model's files were last read; absent where the filesystem does not keep it.",
    labels=(a.MODEL, a.MODEL_LOCATION),
    merge=Merge.MAX,
)
MODEL_LAST_MODIFIED = MetricSpec(
    "genotel.model.last_modified.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which a model's files were last written.",
    labels=(a.MODEL, a.MODEL_LOCATION),
    merge=Merge.MAX,
)
MODEL_SCANNED = MetricSpec(
    "genotel.model.scanned.timestamp",
    Kind.GAUGE,
    "s",
    "Unix time at which a location was last walked to its end; older than that is nothing on the page.",
    labels=(a.MODEL_LOCATION,),
    merge=Merge.MAX,
)

MODEL_METRICS = (
    LOAD_DURATION,
    EVENTS,
    RESIDENT,
    LAST_USED,
    VRAM_USAGE,
    VRAM_PEAK,
    TORCH_ALLOCATED,
    TORCH_RESERVED,
    MODEL_SIZE,
    MODEL_FILES,
    MODEL_SHARED,
    MODEL_LAST_READ,
    MODEL_LAST_MODIFIED,
    MODEL_SCANNED,
)
