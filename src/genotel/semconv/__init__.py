"""The words: names of metrics and attributes, their units, buckets and closed values.

Names of metrics and attributes exist as literals only in this folder. To add a metric, add one
:class:`~genotel.semconv.spec.MetricSpec` to the file of its section; ``docs/metrics.md`` follows.
"""
