"""What can be wrong with how a model performs: one file a finding.

The next one is a class with ``find`` in a new file, one line in ``registry.py``, and its reason code in
:mod:`genotel.recommenders.recommendation`.
"""
