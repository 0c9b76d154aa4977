"""The door: one file per command, imported only when that command runs its imports.

To add a command, add one file with a typer function and one line in ``main.COMMANDS``. Data goes to
stdout, everything else to stderr; a command imports what it needs inside its function, so that
``genotel --help`` loads neither numpy nor the OpenTelemetry SDK.
"""
