"""Profiles: what a region agreed on, as data, and the parameters that follow from it."""
