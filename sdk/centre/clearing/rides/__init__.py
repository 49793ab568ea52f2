"""From taps to rides: which of them count, which entry belongs to which exit, what the ride costs."""
