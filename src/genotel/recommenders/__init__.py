"""Advice: what should be changed, how likely it is right, what it saves and why it is said.

The next kind is one new file with one class that has what ``recommender.py`` asks for, and one line
in ``registry.py``.
"""
