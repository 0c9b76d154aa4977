"""The demo: a real workload on this machine, measured by the public SDK and shown from call to advice.

It writes to temporary files of its own only, and says of every figure whether it is real or simulated.
"""
