"""Every PromQL text of genotel, written once: history, dashboards, rules and the demo ask in these words."""
