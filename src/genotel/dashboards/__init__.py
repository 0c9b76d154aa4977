"""Grafana's dashboards: one file per dashboard, a line each in ``registry.py``, queries from ``promql/``.

A dashboard is data; ``building.py`` alone knows Grafana's JSON, and runs at development time: ``make generate`` writes
``grafana/``. To add a dashboard: a file with a ``DASHBOARD``, and its line.
"""
