"""A key of SM2 where another kind is wanted is named: the library of keys does not know the curve, and says so in its
own way. Whoever works with these codes has such files at hand."""

from collections.abc import Callable
from pathlib import Path

import pytest

from yima.firmware_images.keys import public_key_of
from yima.sdk.centre.fleet.authority import Authority
from yima.validator.errors import YimaError
from yima.validator.state.keys import DeviceKey

# openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:SM2, for these tests alone.
PRIVATE = b"""-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgTeAC8GWXDdie9qI3
lw4bSagiHoP5Gfr7yEEEEOJsksGhRANCAAQDFgfvz4LcipHc3VhjObheQGmRJo3h
uQo+QSW1R5IXWHNdpxdUxjakQW0E0N6c0rWpARr94AT36tjILBKurd7A
-----END PRIVATE KEY-----
"""
PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoEcz1UBgi0DQgAEAxYH78+C3IqR3N1YYzm4XkBpkSaN
4bkKPkEltUeSF1hzXacXVMY2pEFtBNDenNK1qQEa/eAE9+rYyCwSrq3ewA==
-----END PUBLIC KEY-----
"""
CERTIFICATE = b"""-----BEGIN CERTIFICATE-----
MIIBeDCCAR+gAwIBAgIUAtR98UU+tOdEKGdvWq0FYbxjHcgwCgYIKoEcz1UBg3Uw
ETEPMA0GA1UEAwwGZ2F0ZS0xMCAXDTI2MTEyODE4NDYxNFoYDzIxMjYxMTA0MTg0
NjE0WjARMQ8wDQYDVQQDDAZnYXRlLTEwWTATBgcqhkjOPQIBBggqgRzPVQGCLQNC
AAQDFgfvz4LcipHc3VhjObheQGmRJo3huQo+QSW1R5IXWHNdpxdUxjakQW0E0N6c
0rWpARr94AT36tjILBKurd7Ao1MwUTAdBgNVHQ4EFgQULYwerO1G0BUr8vRLLTya
jf181pcwHwYDVR0jBBgwFoAULYwerO1G0BUr8vRLLTyajf181pcwDwYDVR0TAQH/
BAUwAwEB/zAKBggqgRzPVQGDdQNHADBEAiAfUp0fyzA0LbM/DJ/+OTcBAxxaY7Ko
y66yaJ7BmAMhMgIgM912NuodVp2Mmv5OXV8N+rps2l9ARDQjPHYKzVABp0U=
-----END CERTIFICATE-----
"""


def device_key(folder: Path) -> object:
    (folder / "device.key").write_bytes(PRIVATE)
    (folder / "device.key").chmod(0o600)
    return DeviceKey.load_or_create(folder / "device.key")


def image_key(content: bytes) -> Callable[[Path], object]:
    def read(folder: Path) -> object:
        (folder / "vendor.pem").write_bytes(content)
        return public_key_of(folder / "vendor.pem")

    return read


def authority_key(folder: Path) -> object:
    Authority.make(folder / "ca")
    (folder / "ca" / "ca.key").write_bytes(PRIVATE)
    return Authority(folder / "ca")


def issued_certificate(folder: Path) -> object:
    authority = Authority.make(folder / "ca")
    (folder / "ca" / "issued").mkdir(exist_ok=True)
    (folder / "ca" / "issued" / "gate-1.pem").write_bytes(CERTIFICATE)
    return authority.issued()


@pytest.mark.parametrize(
    ("read", "named"),
    [
        (device_key, "device.key: holds no Ed25519 private key"),
        (image_key(PRIVATE), "vendor.pem: no key could be read"),
        (image_key(PUBLIC), "vendor.pem: no key could be read"),
        (authority_key, "ca: holds no certificate authority"),
        (issued_certificate, "gate-1.pem: is not as the authority wrote it"),
    ],
    ids=["device", "image, private", "image, public", "authority", "certificate"],
)
def test_a_key_of_sm2_is_named_where_another_kind_is_wanted(
    read: Callable[[Path], object], named: str, tmp_path: Path
) -> None:
    """It ended the command with a traceback."""
    with pytest.raises(YimaError, match=named):
        read(tmp_path)
