"""The core as built from validator/core; see validator.judging for its face.

`judge` answers (reason, accepted, family's place in FAMILIES, again, one byte a stage, fare_fen, digest or None).
"""

from typing import TypeAlias, final

_Buffer: TypeAlias = bytes | bytearray | memoryview

# number, name, lab case or 0, stage (15: the device's own), English, Chinese
REASONS: tuple[tuple[int, str, int, int, str, str], ...]
FAMILIES: tuple[str, ...]
# name, field number, offset, size, whether the issuer's data lies before it
CODE_LAYOUT: tuple[tuple[str, int, int, int, bool], ...]
CERTIFICATE_LAYOUT: tuple[tuple[str, int, int, int, bool], ...]

@final
class Validator:
    def __new__(
        cls,
        image: bytes,
        mode: int,
        city: int,
        replay_capacity: int,
        table_bytes: int,
        kernel: str | None = None,
    ) -> Validator: ...
    def judge(
        self, code: bytes, unix_s: int, tick_ms: int, trusted: bool, /
    ) -> tuple[int, bool, int, bool, bytes, int, bytes | None]: ...
    def retract(self, digest: bytes, /) -> None: ...
    def remember(self, code: bytes, accepted_at: int, now: int, /) -> bool: ...
    def idle(self) -> bool: ...
    @property
    def evicted_live(self) -> int: ...
    @property
    def issuers(self) -> list[tuple[bytes, int, int]]: ...

def family_of(code: bytes, /) -> str: ...
def parameters_check(image: bytes, /) -> None: ...
def root_certificate_valid(certificate: bytes, /) -> bool: ...
def record_write(
    code: bytes,
    reason: int,
    accepted: bool,
    fare_fen: int,
    terminal_time: int,
    time_trusted: bool,
    vendor: str | None,
    terminal: str | None,
    software: str | None,
    record_id: str | None,
    merchant_type: str | None,
    vehicle: str | None,
    plate: str | None,
    driver: str | None,
    line: str | None,
    station: str | None,
    position: str | None,
    /,
) -> bytes: ...
def record_check(record: bytes, /) -> bool: ...

# SM3 and SM2 (validator/_core_sm2.c). kernel: one of sm2_kernels(), default the machine's best. A key of 33, 64 or 65
# bytes that is none raises ValueError.
def sm3(data: _Buffer, /) -> bytes: ...
def sm2_kernels() -> tuple[str, ...]: ...
def sm2_verify(public: _Buffer, message: _Buffer, signature: _Buffer, kernel: str | None = None) -> bool: ...
def sm2_verify_digest(public: _Buffer, e: _Buffer, signature: _Buffer, kernel: str | None = None) -> bool: ...
def sm2_verify_table(
    public: _Buffer, window: int, e: _Buffer, signature: _Buffer, kernel: str | None = None
) -> bool: ...
def sm2_digest(public: _Buffer, message: _Buffer) -> bytes: ...
def sm2_parse_key(public: _Buffer, kernel: str | None = None) -> bytes: ...

@final
class Sm2Key:
    def __new__(cls, public: _Buffer, table_window: int = 0, kernel: str | None = None) -> Sm2Key: ...
    def verify(self, message: _Buffer, signature: _Buffer, /) -> bool: ...
