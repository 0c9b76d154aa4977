"""Measure the libraries that generate, without a change to the user's program.

The next library is one file with its table of patches and an ``INSTRUMENTOR``, one line in
``registry.py`` and one entry point. Nothing here imports a library: it is patched when the user does.
"""
