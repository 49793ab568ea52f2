"""An emulated gate controller: the board mps2-an500 with UARTs, pins, clock, flash and a boot ROM, in virtual time.

The emulator (unicorn) is under the GPL, so it lives in a process of its own: only `engine` imports it, only the
process `child` loads that, and everybody else speaks to that process through `emulator`.
"""
