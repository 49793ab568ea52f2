"""Which tests need which extras; without them they are left out, as those of the board are."""

import importlib.util
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.once import once

_NEEDS = {
    "test_build.py": ("ziglang", "elftools", "imgtool"),
    "test_faults.py": ("ziglang", "elftools", "imgtool", "smp", "unicorn"),
    "test_images.py": ("imgtool",),
    "test_loop_on_board.py": ("ziglang", "elftools", "imgtool", "smp", "unicorn"),
    "test_on_board.py": ("ziglang", "elftools", "imgtool", "smp", "unicorn"),
    "test_on_qemu.py": ("ziglang", "elftools", "imgtool", "smpclient"),
    "test_same_days.py": ("imgtool", "smpclient"),
    "test_station_link.py": ("smp", "cbor2"),
}
collect_ignore = [name for name, modules in _NEEDS.items() if not all(map(importlib.util.find_spec, modules))]


@pytest.fixture(scope="session")
def vendor_key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key of a vendor's own, as PEM."""
    path = tmp_path_factory.mktemp("keys") / "vendor.pem"
    path.write_bytes(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return path


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The firmware's own C as a library of this machine; see device_host.py."""
    from tests.firmware_images.device_host import NAME, built

    return once(tmp_path_factory, "device", built) / NAME
