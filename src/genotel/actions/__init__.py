"""What is done upon advice on this machine: models go to a trash folder and come back.

Nothing here deletes a model: :mod:`~genotel.actions.trash` moves it aside with an undo file, and only
emptying the trash frees its bytes. The places of models are those of the inventory, no others.
"""
