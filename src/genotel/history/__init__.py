"""What is known of every model's past use, as numpy arrays, and where it can be read from.

``usage.py`` is the one form that everything above works on. A source of it is one ``from_….py`` file
with one class that has the method of ``source.py``; its public name goes into ``genotel/__init__.py``.
"""
