"""The wire of the emitting tower: series become a page, and the page leaves the process.

To add a format, add one file with a ``Format`` and one line in ``negotiation.FORMATS``.
"""
