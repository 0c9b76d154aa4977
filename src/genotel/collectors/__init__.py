"""What the box does: one file per collector, run by :mod:`genotel.collectors.scrape`.

To add a collector, add one file with a class that has ``name`` and ``collect()`` and one line in
``registry.COLLECTORS``.
"""
