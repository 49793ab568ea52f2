"""What keeps the way of a tap clear: output that cannot block, threads that are watched, ports that may misbehave."""
