"""Where a bus is: what stop announcers say, and who listens."""
