"""Give a Prometheus the history that a journal or an event list holds, as if it had scraped it.

:mod:`~genotel.actions.backfill.uses` reads what was used, :mod:`~genotel.actions.backfill.openmetrics` writes
it as text, and :mod:`~genotel.actions.backfill.loading` puts the text into Prometheus or VictoriaMetrics.
"""
