"""The demonstration: a script of riders, real processes around simulated hardware, and an account of every tap."""
