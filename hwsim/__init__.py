"""Hardware that is not there: scanner, camera and phone, gate and bus validator, a network that can be cut, and a small
world of riders to demonstrate with. The device reaches it through the same ports as real hardware.
"""
