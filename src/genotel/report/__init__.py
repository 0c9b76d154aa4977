"""Advice on paper: one file for each format, and the only place where seconds and bytes become words.

The next format is one new file with one class that has what ``report.py`` asks for, and one line in
``registry.py``.
"""
