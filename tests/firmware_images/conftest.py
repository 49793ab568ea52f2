"""Which tests need which extras; without them they are left out, as those of the board are."""

import importlib.util

_NEEDS = {
    "test_build.py": ("ziglang", "elftools", "imgtool"),
    "test_images.py": ("imgtool",),
    "test_loop_on_board.py": ("ziglang", "elftools", "imgtool", "smp", "unicorn"),
    "test_on_board.py": ("ziglang", "elftools", "imgtool", "smp", "unicorn"),
    "test_on_qemu.py": ("ziglang", "elftools", "imgtool", "smpclient"),
    "test_station_link.py": ("smp", "cbor2"),
}
collect_ignore = [name for name, modules in _NEEDS.items() if not all(map(importlib.util.find_spec, modules))]
