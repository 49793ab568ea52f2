"""Seeing how a device fares: metrics for Prometheus, word to the supervisor. No tap waits for it."""
