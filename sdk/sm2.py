"""SM2 keys and signatures (GB/T 32918) through the system's libcrypto, for making codes and for checking the core.

Why libcrypto: `cryptography` exposes no SM2, and OpenSSL's is the strict one of those measured; it is also no relative
of `validator/core`, so each can be held against the other.

Rules:
- The user id is 1234567812345678 and the hash SM3, as JT/T 1179 has it; nothing else is offered.
- Only calls that OpenSSL 3 and 4 both have are used; each return is checked and everything allocated is freed.
  Public keys enter as DER, for it is checked that they are on the curve. Private ones enter as numbers: as DER each
  would be checked by a multiplication, which takes as long as a signature. Those used last stay loaded.
- A signature, public key or message of anybody's is judged (True or False); a wrong size is the caller's mistake
  (ValueError); a libcrypto that cannot do SM2 is an Sm2Error with what to do.
"""

import ctypes
import ctypes.util
import secrets
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Self

from yima.validator.errors import YimaError
from yima.validator.texts import Text

USER_ID = b"1234567812345678"

# The recommended curve sm2p256v1, GB/T 32918.5.
P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
N = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
G = bytes.fromhex(
    "32c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)

# AlgorithmIdentifier { id-ecPublicKey, sm2p256v1 }
_ALGORITHM = bytes.fromhex("301306072a8648ce3d020106082a811ccf5501822d")
_POINTER = ctypes.c_void_p
_BYTES = ctypes.c_char_p
_SIZE = ctypes.c_size_t

# name -> (result, arguments); every function of libcrypto that is used here.
_PROTOTYPES: dict[str, tuple[type | None, list[type]]] = {
    "d2i_PUBKEY": (_POINTER, [_POINTER, _POINTER, ctypes.c_long]),
    "EVP_PKEY_CTX_new_from_name": (_POINTER, [_POINTER, _BYTES, _BYTES]),
    "EVP_PKEY_fromdata_init": (ctypes.c_int, [_POINTER]),
    "EVP_PKEY_fromdata": (ctypes.c_int, [_POINTER, _POINTER, ctypes.c_int, _POINTER]),
    "EVP_PKEY_free": (None, [_POINTER]),
    "EVP_MD_CTX_new": (_POINTER, []),
    "EVP_MD_CTX_free": (None, [_POINTER]),
    "EVP_sm3": (_POINTER, []),
    "EVP_Digest": (ctypes.c_int, [_BYTES, _SIZE, _BYTES, _POINTER, _POINTER, _POINTER]),
    "EVP_DigestSignInit": (ctypes.c_int, [_POINTER, _POINTER, _POINTER, _POINTER, _POINTER]),
    "EVP_DigestSign": (ctypes.c_int, [_POINTER, _BYTES, _POINTER, _BYTES, _SIZE]),
    "EVP_DigestVerifyInit": (ctypes.c_int, [_POINTER, _POINTER, _POINTER, _POINTER, _POINTER]),
    "EVP_DigestVerify": (ctypes.c_int, [_POINTER, _BYTES, _SIZE, _BYTES, _SIZE]),
    "EVP_PKEY_CTX_new": (_POINTER, [_POINTER, _POINTER]),
    "EVP_PKEY_CTX_free": (None, [_POINTER]),
    "EVP_PKEY_CTX_set1_id": (ctypes.c_int, [_POINTER, _BYTES, ctypes.c_int]),
    "EVP_PKEY_verify_init": (ctypes.c_int, [_POINTER]),
    "EVP_PKEY_verify": (ctypes.c_int, [_POINTER, _BYTES, _SIZE, _BYTES, _SIZE]),
    "EC_GROUP_new_by_curve_name": (_POINTER, [ctypes.c_int]),
    "EC_POINT_new": (_POINTER, [_POINTER]),
    "EC_POINT_free": (None, [_POINTER]),
    "EC_POINT_mul": (ctypes.c_int, [_POINTER] * 6),
    "EC_POINT_point2oct": (_SIZE, [_POINTER, _POINTER, ctypes.c_int, _BYTES, _SIZE, _POINTER]),
    "BN_bin2bn": (_POINTER, [_BYTES, ctypes.c_int, _POINTER]),
    "BN_clear_free": (None, [_POINTER]),
    "ERR_get_error": (ctypes.c_ulong, []),
    "ERR_error_string_n": (None, [ctypes.c_ulong, _BYTES, _SIZE]),
    "ERR_clear_error": (None, []),
}


class Sm2Error(YimaError):
    """libcrypto cannot do what is needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey:
    """A private key d, 1 <= d <= n-2, held in the open: for tests, benches and demonstrations."""

    secret: int = field(repr=False)
    public: bytes
    """The public key, x‖y, 64 bytes."""

    @classmethod
    def generate(cls) -> Self:
        """A fresh key from the operating system's randomness."""
        return cls.from_int(secrets.randbelow(N - 2) + 1)

    @classmethod
    def from_int(cls, secret: int) -> Self:
        """The key with this private number. Raises ValueError outside 1..n-2 (GB/T 32918.1, 6.1)."""
        if not 1 <= secret <= N - 2:
            raise ValueError("an SM2 private key lies in 1..n-2")
        return cls(secret=secret, public=_multiplied(secret))

    @property
    def compressed(self) -> bytes:
        """The public key as codes carry it: 02 or 03 by the parity of y, then x; 33 bytes."""
        return compress(self.public)

    def sign(self, message: bytes) -> bytes:
        """r‖s, 64 bytes, over SM3(Z‖message); a fresh one each time."""
        library, key = _libcrypto(), _loaded(self.secret, self.public)
        with _digest_context() as context:
            inner = ctypes.c_void_p()
            initialised = library.EVP_DigestSignInit(context, ctypes.byref(inner), library.EVP_sm3(), None, key.pointer)
            _check(initialised, "EVP_DigestSignInit")
            _check(library.EVP_PKEY_CTX_set1_id(inner, USER_ID, len(USER_ID)), "EVP_PKEY_CTX_set1_id")
            size = _SIZE()
            _check(library.EVP_DigestSign(context, None, ctypes.byref(size), message, len(message)), "EVP_DigestSign")
            out = ctypes.create_string_buffer(size.value)
            _check(library.EVP_DigestSign(context, out, ctypes.byref(size), message, len(message)), "EVP_DigestSign")
            return _raw_signature(out.raw[: size.value])


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether libcrypto accepts r‖s (64 bytes) over a message.

    public: 33 bytes compressed, 64 (x‖y) or 65 (04‖x‖y); one that is not on the curve verifies nothing: False.
    """
    library = _libcrypto()
    encoded = _der_signature(signature)
    with _public_key(public) as key, _digest_context() as context:
        if key is None:
            return False
        inner = ctypes.c_void_p()
        initialised = library.EVP_DigestVerifyInit(context, ctypes.byref(inner), library.EVP_sm3(), None, key)
        _check(initialised, "EVP_DigestVerifyInit")
        _check(library.EVP_PKEY_CTX_set1_id(inner, USER_ID, len(USER_ID)), "EVP_PKEY_CTX_set1_id")
        verdict: int = library.EVP_DigestVerify(context, encoded, len(encoded), message, len(message))
        library.ERR_clear_error()
        return verdict == 1


def verify_digest(public: bytes, digest: bytes, signature: bytes) -> bool:
    """Whether libcrypto accepts r‖s over a given e (32 bytes, taken as it is): for crafted edge cases."""
    if len(digest) != 32:
        raise ValueError("e is 32 bytes")
    library = _libcrypto()
    encoded = _der_signature(signature)
    with _public_key(public) as key:
        if key is None:
            return False
        context = library.EVP_PKEY_CTX_new(key, None)
        _check(context is not None, "EVP_PKEY_CTX_new")
        try:
            _check(library.EVP_PKEY_verify_init(context), "EVP_PKEY_verify_init")
            verdict: int = library.EVP_PKEY_verify(context, encoded, len(encoded), digest, len(digest))
        finally:
            library.EVP_PKEY_CTX_free(context)
        library.ERR_clear_error()
        return verdict == 1


def sm3(data: bytes) -> bytes:
    """SM3 (GB/T 32905), 32 bytes."""
    library = _libcrypto()
    out = ctypes.create_string_buffer(32)
    _check(library.EVP_Digest(data, len(data), out, None, library.EVP_sm3(), None), "EVP_Digest")
    return out.raw


def signed_digest(public: bytes, message: bytes) -> bytes:
    """e = SM3(Z‖message) of GB/T 32918.2 for a public key x‖y: what a signature over the message really covers."""
    if len(public) != 64:
        raise ValueError("x‖y is 64 bytes")
    curve = (P - 3).to_bytes(32) + B.to_bytes(32) + G
    z = sm3((len(USER_ID) * 8).to_bytes(2) + USER_ID + curve + public)
    return sm3(z + message)


def compress(public: bytes) -> bytes:
    """02/03‖x of x‖y."""
    if len(public) != 64:
        raise ValueError("x‖y is 64 bytes")
    return bytes([2 + (public[63] & 1)]) + public[:32]


def decompress(compressed: bytes) -> bytes | None:
    """x‖y of 02/03‖x, or None where that names no point of the curve."""
    if len(compressed) != 33:
        raise ValueError("a compressed key is 33 bytes")
    x = int.from_bytes(compressed[1:])
    if compressed[0] not in (2, 3) or x >= P:
        return None
    square = (x * x * x - 3 * x + B) % P
    y = pow(square, (P + 1) // 4, P)  # p = 3 mod 4
    if y * y % P != square:
        return None
    if y & 1 != compressed[0] & 1:
        y = P - y  # y is never 0: the curve has prime order
    return compressed[1:] + y.to_bytes(32)


def _library_names() -> Iterator[str]:
    yield "libcrypto.so.3"  # first, because find_library starts a process
    name = ctypes.util.find_library("crypto")
    if name is not None:
        yield name


@cache
def _libcrypto() -> ctypes.CDLL:
    """The first libcrypto on this machine that does SM2."""
    remedy = Text(
        "Install OpenSSL 3 with SM2 (Debian: apt-get install libssl3); distributions of the RHEL family leave SM2 out",
        "请安装带 SM2 的 OpenSSL 3（Debian：apt-get install libssl3）；RHEL 系发行版的 OpenSSL 不含 SM2",
    )
    tried = []
    for name in _library_names():
        try:
            library = ctypes.CDLL(name)
            for function, (result, arguments) in _PROTOTYPES.items():
                prototype = getattr(library, function)
                prototype.restype, prototype.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            tried.append(f"{name}: {error}")
            continue
        probe = _load(library.d2i_PUBKEY, _public_der(G))
        if probe is not None:
            library.EVP_PKEY_free(probe)
            return library
        library.ERR_clear_error()
        tried.append(f"{name}: no SM2")
    problem = "; ".join(tried) or "not found"
    raise Sm2Error("libcrypto", Text(f"cannot do SM2 ({problem})", f"不支持 SM2（{problem}）"), remedy)


def _check(result: int | bool, call: str) -> None:
    if result > 0:
        return
    library = _libcrypto()
    out = ctypes.create_string_buffer(256)
    library.ERR_error_string_n(library.ERR_get_error(), out, len(out))
    library.ERR_clear_error()
    said = out.value.decode(errors="replace")
    raise Sm2Error(
        "libcrypto",
        Text(f"{call} failed: {said}", f"{call} 失败：{said}"),
        Text("Check the installed OpenSSL (openssl version)", "请检查已安装的 OpenSSL（openssl version）"),
    )


def _load(parser: Callable[..., int | None], der: bytes) -> int | None:
    buffer = ctypes.create_string_buffer(der, len(der))
    cursor = ctypes.c_void_p(ctypes.addressof(buffer))
    return parser(None, ctypes.byref(cursor), len(der))


@contextmanager
def _public_key(public: bytes) -> Iterator[int | None]:
    """An EVP_PKEY, or None where libcrypto refuses the key."""
    library = _libcrypto()
    key = _load(library.d2i_PUBKEY, _public_der(public))
    if key is None:
        library.ERR_clear_error()
    try:
        yield key
    finally:
        library.EVP_PKEY_free(key)


# OSSL_PARAM of openssl/core.h, and the types of those used here.
_PARAMETERS: list[tuple[bytes, int]] = [(b"group", 4), (b"pub", 5), (b"priv", 2)]
_NID_SM2, _UNCOMPRESSED, _KEYPAIR = 1172, 4, 0x87


class _Parameter(ctypes.Structure):
    _fields_ = (
        ("key", _BYTES), ("data_type", ctypes.c_uint), ("data", _POINTER), ("data_size", _SIZE), ("return_size", _SIZE),
    )  # fmt: skip


class _PrivateKey:
    """An EVP_PKEY that is freed with the object; whoever signs holds the object until the signature is made."""

    def __init__(self, secret: int, public: bytes) -> None:
        library = _libcrypto()
        number = secret.to_bytes(32, sys.byteorder)  # unsigned integers are the machine's here
        buffers = [ctypes.create_string_buffer(one, len(one)) for one in (b"SM2", b"\x04" + public, number)]
        parameters = (_Parameter * (len(buffers) + 1))(
            *(
                _Parameter(name, kind, ctypes.addressof(buffer), len(buffer))
                for (name, kind), buffer in zip(_PARAMETERS, buffers, strict=True)
            )
        )
        key = ctypes.c_void_p()
        context = library.EVP_PKEY_CTX_new_from_name(None, b"SM2", None)
        _check(context is not None, "EVP_PKEY_CTX_new_from_name")
        try:
            _check(library.EVP_PKEY_fromdata_init(context), "EVP_PKEY_fromdata_init")
            _check(library.EVP_PKEY_fromdata(context, ctypes.byref(key), _KEYPAIR, parameters), "EVP_PKEY_fromdata")
        finally:
            library.EVP_PKEY_CTX_free(context)
        assert key.value is not None
        self.pointer = key.value
        # At the end of the process a thread may still be signing: what is loaded then goes with the process.
        weakref.finalize(self, library.EVP_PKEY_free, self.pointer).atexit = False


@cache
def _curve() -> int:
    """An EC_GROUP, for as long as the process lives: threads may share it, for nobody changes it."""
    group: int | None = _libcrypto().EC_GROUP_new_by_curve_name(_NID_SM2)
    _check(group is not None, "EC_GROUP_new_by_curve_name")
    assert group is not None
    return group


def _multiplied(secret: int) -> bytes:
    """The public key x‖y of a private one."""
    library, out = _libcrypto(), ctypes.create_string_buffer(65)
    point, number = library.EC_POINT_new(_curve()), library.BN_bin2bn(secret.to_bytes(32), 32, None)
    try:
        _check(point is not None and number is not None, "EC_POINT_new")
        _check(library.EC_POINT_mul(_curve(), point, number, None, None, None), "EC_POINT_mul")
        size = library.EC_POINT_point2oct(_curve(), point, _UNCOMPRESSED, out, len(out), None)
        _check(size, "EC_POINT_point2oct")
        return out.raw[1:]
    finally:
        library.EC_POINT_free(point)
        library.BN_clear_free(number)


# Threads share a loaded key: each signs in a context of its own, and libcrypto counts who holds the key.
_loaded = lru_cache(maxsize=256)(_PrivateKey)


@contextmanager
def _digest_context() -> Iterator[int]:
    library = _libcrypto()
    context = library.EVP_MD_CTX_new()
    _check(context is not None, "EVP_MD_CTX_new")
    try:
        yield context
    finally:
        library.EVP_MD_CTX_free(context)


def _public_der(public: bytes) -> bytes:
    if len(public) == 64:
        public = b"\x04" + public
    if len(public) not in (33, 65):
        raise ValueError("a public key is 33, 64 or 65 bytes")
    return _tlv(0x30, _ALGORITHM + _tlv(0x03, b"\x00" + public))


def _der_signature(signature: bytes) -> bytes:
    if len(signature) != 64:
        raise ValueError("r‖s is 64 bytes")
    return _tlv(0x30, b"".join(_integer(int.from_bytes(half)) for half in (signature[:32], signature[32:])))


def _raw_signature(der: bytes) -> bytes:
    """r‖s of the DER that libcrypto wrote: 30 len 02 len r 02 len s."""
    size = der[3]
    r, s = der[4 : 4 + size], der[6 + size :]
    return int.from_bytes(r).to_bytes(32) + int.from_bytes(s).to_bytes(32)


def _integer(value: int) -> bytes:
    return _tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1))


def _tlv(tag: int, content: bytes) -> bytes:
    assert len(content) < 256, "a length of one byte only"
    size = bytes([len(content)])
    return bytes([tag]) + (size if len(content) < 128 else b"\x81" + size) + content
