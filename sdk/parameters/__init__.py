"""Parameter packages: from what a person edits to what a device reads."""
