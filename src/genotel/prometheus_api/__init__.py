"""Prometheus' HTTP API, and that of everything that speaks it: Mimir, Thanos, VictoriaMetrics.

``access.py`` says where a server is and who asks, ``transport.py`` sends and receives bytes,
``series.py`` turns them into arrays as they come, ``client.py`` asks and judges the answers,
``chunking.py`` splits what is too much for one answer.
"""
