"""A city's devices behind its collector: who may send, what their records are worth, which versions they run."""
