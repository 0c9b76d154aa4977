"""Histogram boundaries, each with the reason for it.

All are strictly increasing upper bounds in the metric's unit; the last bucket (+Inf) is implied.
"""

from __future__ import annotations


def doubling(first: float, count: int) -> tuple[float, ...]:
    """Return ``count`` bounds that begin at ``first`` and double.

    Example:
        >>> doubling(0.5, 3)
        (0.5, 1.0, 2.0)
    """
    # Multiplying by a power of two is exact in binary floating point, so the bounds keep the
    # short decimal text of the first one and equal those of the semantic conventions.
    return tuple(first * 2**exponent for exponent in range(count))


# The GenAI conventions stop at 81.92 s; a video takes minutes, so the list goes on doubling. It is
# a superset: sums of old and new buckets stay comparable.
DURATION_SECONDS = doubling(0.01, 20)  # … 5242.88

# One denoising step: a millisecond on a tiny model, two minutes on an offloaded video model.
STEP_SECONDS = doubling(0.001, 18)  # … 131.072

# From a warm cache to a cold network filesystem.
LOAD_SECONDS = doubling(0.05, 16)  # … 1638.4

# GenAI conventions, gen_ai.client.token.usage.
TOKENS = tuple(float(4**exponent) for exponent in range(14))  # 1 … 67108864

# Scores are ratios by convention; finer near the top, where good models differ.
SCORES = (0.05, 0.1, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95, 0.99, 1.0)

# A batch: a millisecond on a tiny model, half an hour of video; the queue before it likewise.
BATCH_SECONDS = doubling(0.001, 22)  # … 2097.152

# Batch sizes are powers of two by habit, so each has its own bucket.
BATCH_ITEMS = doubling(1.0, 17)  # … 65536
