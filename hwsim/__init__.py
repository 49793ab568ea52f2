"""Hardware that is not there: scanner, camera and phone, gate and bus validator, a network that can be cut, a gate
controller's board; and a demonstration of it all. The device reaches it through the same ports as real hardware.
"""
