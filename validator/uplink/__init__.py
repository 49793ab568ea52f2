"""Carrying the journal to a collector: batches, the device's key, HTTP, and the thread that does it when it can."""
