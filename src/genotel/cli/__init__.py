"""The door: one file per command, imported only when that command runs its imports.

To add a command, add one file with a typer function and one line in ``main.COMMANDS``. Data goes to
stdout, everything else to stderr; a command imports what it needs inside its function, so that
``genotel --help`` loads neither numpy nor the OpenTelemetry SDK.
"""

import os

# Before anything imports numpy: our matrices are small, so that threads would only wait for each other,
# and with one thread a result is the same on every machine to the last bit.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
