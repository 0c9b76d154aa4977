"""The work of the emitting tower: calls, streams, models and batches are measured here.

Everything runs inside other people's programs: nothing of ours raises into them, and nothing on the
hot path imports, formats or grows without bound.
"""
