"""A phone for testing scanners with: a page over the local network that shows fresh test codes."""
