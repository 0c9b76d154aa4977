"""Write what a stack beside genotel reads: Prometheus, Alertmanager, Grafana, and what starts them.

:mod:`~genotel.actions.provision.layouts` is the table: a layout is a function from a
:class:`~genotel.actions.provision.stack.Stack` to texts by path. The next layout is one file and one line
there. Writing them without losing what somebody changed is :mod:`~genotel.actions.provision.folder`'s work.
"""
