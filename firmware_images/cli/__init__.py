"""Verbs of the `yima` command that belong to the firmware."""
