"""The memory of the emitting tower: OpenTelemetry's SDK, its providers and our reader."""
