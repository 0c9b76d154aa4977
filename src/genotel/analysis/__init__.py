"""Pure functions on the arrays of a history: no file, no server, no clock, no opinion.

The next analysis is one new file here; what should be done about it is said in ``recommenders/``.
"""
