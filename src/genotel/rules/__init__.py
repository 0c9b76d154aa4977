"""Prometheus' rules: one file per group, a line each in ``registry.py``, queries from ``promql/``.

The YAML and the runbooks in ``alerting-rules/`` are made from here by ``make generate``. To add a group: a file with a
``GROUP``, and its line.
"""
