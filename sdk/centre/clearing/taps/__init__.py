"""From what collectors keep to the tables of taps."""
