"""What the operating system does for us, and how each one does it: the only room that knows Windows from Linux.

Rules it keeps:
- A module of Python that not every system has (fcntl, termios, msvcrt) is imported here alone, and may be missing.
- What a system has is asked of Python (`hasattr`), not concluded from its name, so that tests can take it away.
"""
