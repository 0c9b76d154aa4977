"""The journal: one SQLite file of call records, for people without a Prometheus.

A writer never blocks the program that it watches; a reader works while writers write.
"""
