"""The core as built from validator/core; see yima.validator.judging for its face.

`judge` answers (reason, accepted, family's place in FAMILIES, again, one byte a stage, fare_fen, digest or None,
transaction, who vouched, gross_fen, rules as (number, kind, fen, funder, funder's number, name), account or None,
account type, issuer's city, good until, entry's time, station and line,
what it was before (with again), the verdict itself). `settle` answers the same.
"""

from mmap import mmap
from typing import Any, TypeAlias, final

_Buffer: TypeAlias = bytes | bytearray | memoryview

VerdictTuple: TypeAlias = tuple[
    int, bool, int, bool, bytes, int, bytes | None, int, int, int, tuple[tuple[int, int, int, int, int, str], ...],
    bytes | None, int, int, int, int, int, int, bool, bytes,
]  # fmt: skip

# number, name, lab case or 0, stage (15: the device's own), English, Chinese
REASONS: tuple[tuple[int, str, int, int, str, str], ...]
FAMILIES: tuple[str, ...]
# name, field number, offset, size, whether the issuer's data lies before it
CODE_LAYOUT: tuple[tuple[str, int, int, int, bool], ...]
CERTIFICATE_LAYOUT: tuple[tuple[str, int, int, int, bool], ...]
# section number (0: the header, an entry of the directory), name, bytes a row, bytes of its key, how rows stand (as in
# core/parameters.def), meaning, fields: name, offset, size, form, least, most, meaning
PARAMETER_IMAGE: tuple[tuple[int, str, int, int, str, str, tuple[tuple[str, int, int, str, int, int, str], ...]], ...]
# kind (0 the head, 1 to 4, 5 a rule), form (U, S, B, Z), name, offset, size, English, Chinese
FACTS_LAYOUT: tuple[tuple[int, str, str, int, int, str, str], ...]

@final
class Validator:
    def __new__(
        cls,
        image: _Buffer,
        mode: int,
        city: int,
        memory_entries: int,
        table_bytes: int,
        kernel: str | None = None,
        line: int = 0,
        station: int = 0,
        direction: int = 0,
        operator: int = 0,
    ) -> Validator: ...
    def judge(self, code: bytes, unix_s: int, tick_ms: int, trusted: bool, /) -> VerdictTuple: ...
    def settle(
        self, code: bytes, digest: bytes, unix_s: int, tick_ms: int, trusted: bool, reason: int, vouched: int, /
    ) -> VerdictTuple: ...
    def facts(
        self, verdict: bytes, reason: int, unix_s: int, tick_ms: int, trusted: bool, run: int, payload: bytes = ..., /
    ) -> bytes: ...
    def retract(self, digest: bytes, /) -> None: ...
    def use(self, image: _Buffer, /) -> None: ...
    def remember(self, entry: bytes, /) -> bool: ...
    def remember_code(self, code: bytes, accepted_at: int, /) -> bool: ...
    def holds(self, digest: bytes, /) -> bool: ...
    def set_deny(self, deny: DenyList | None, /) -> None: ...
    def idle(self) -> bool: ...
    @property
    def memory(self) -> tuple[int, int, int, int]: ...
    @property
    def issuers(self) -> list[tuple[bytes, int, int]]: ...

# states as (name, English, Chinese), ways as (from, event, to, English): loop.def
LOOP: tuple[tuple[tuple[str, str, str], ...], tuple[tuple[str, str, str, str], ...]]

# Every call answers the step to carry out next; see yima.validator.judging.loop.
@final
class Loop:
    def __new__(
        cls,
        validator: Validator,
        terminal: tuple[str | None, ...],
        run: int,
        senses_passage: bool,
        not_before: int,
        /,
    ) -> Loop: ...
    def moment(self, unix_s: int, tick_ms: int, next: int, /) -> int: ...
    def reading(self, payload: bytes, unix_s: int, tick_ms: int, late_ms: int, next: int, /) -> int: ...
    def recorded(self, number: int, /) -> int: ...
    def not_recorded(self) -> int: ...
    def gate(self, tap: int, outcome: int, /) -> int: ...
    def answered(self, reason: int, vouched: int, /) -> int: ...
    def done(self) -> int: ...
    def parameters(self, until: int, /) -> int: ...
    def confirm(self, unix_s: int, tick_ms: int, is_signed: bool, by: str, /) -> int: ...
    def unsent(self, oldest: int, /) -> None: ...
    def eased(self) -> None: ...
    def not_before(self, unix_s: int, /) -> None: ...
    @property
    def entry(self) -> bytes: ...
    @property
    def verdict(self) -> VerdictTuple: ...
    @property
    def now(self) -> tuple[int, int, bool]: ...
    @property
    def state(self) -> tuple[int, int, int, int, int, int, int, int, int, int]: ...

# full, increments: buffers, held and read in place. A bad one is ValueError(problem, number of the file, offset).
@final
class DenyList:
    def __new__(cls, full: _Buffer | mmap, /, *increments: _Buffer | mmap) -> DenyList: ...
    def has(self, account: bytes, /) -> bool: ...
    def verify(self) -> None: ...
    @property
    def version(self) -> int: ...
    @property
    def issued_at(self) -> int: ...
    @property
    def environment(self) -> int: ...
    @property
    def digest(self) -> bytes: ...
    @property
    def counts(self) -> list[tuple[int, int, int, int]]: ...

def family_of(code: bytes, /) -> str: ...
def parameters_check(image: _Buffer, /) -> None: ...
def root_certificate_valid(certificate: bytes, /) -> bool: ...
def record_write(
    code: bytes,
    fare_fen: int,
    mode: int,
    terminal_time: int,
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

# The facts of an entry by the names of facts.def; see yima.validator.journal.facts. ValueError: no entry, or a value
# out of its bounds.
def facts_read(entry: bytes, /) -> dict[str, Any]: ...
def facts_write(facts: dict[str, Any], /) -> bytes: ...

# Many entries a call, as Arrow keeps them: one buffer of bytes, one of 32-bit offsets. Answers are columns by name:
# numbers of 64 bits as bytes, text as (offsets, characters). See binding/entries.c and binding/judge_entries.c.
def entry_columns(entries: Any, offsets: Any, /) -> dict[str, Any]: ...
def entry_hashes(
    entries: Any,
    offsets: Any,
    devices: Any,
    device_offsets: Any,
    previous: Any,
    previous_offsets: Any,
    epochs: Any,
    sequences: Any,
    /,
) -> bytes: ...

@final
class Judge:
    def __new__(cls, images: tuple[Any, ...], denies: tuple[DenyList, ...], instead: bool = False) -> Judge: ...
    def judge(self, entries: Any, offsets: Any, /) -> dict[str, Any]: ...
    def price(self, entries: Any, offsets: Any, stations: Any, moments: Any, /) -> dict[str, Any]: ...
    @property
    def packages(self) -> tuple[tuple[int, bytes], ...]: ...

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

# Signed packages (validator/_core_package.c). Errors are places in PACKAGE_ERRORS, 0 is OK.
# fields: environment, kind, city, version, previous, not_before, expiry, digest, base, needed, replaces, keys,
# signers' key ids, id, image's offset, image's size, list of parts
_PackageFields: TypeAlias = tuple[
    int,
    int,
    int,
    int,
    int,
    int,
    int,
    bytes,
    bytes,
    int,
    bool,
    tuple[bytes, ...],
    tuple[bytes, ...],
    bytes,
    int,
    int,
    bytes,
]
# environment, deny chain, city, keys, needed, newest version, its id, highest that waits, id of the active package
_PackageTrust: TypeAlias = tuple[int, bool, int, bytes, int, int, bytes | None, int, bytes | None]

PACKAGE_ERRORS: tuple[str, ...]

def package_open(data: _Buffer, /) -> tuple[int, int, _PackageFields | None]: ...
def package_check(data: _Buffer, trust: _PackageTrust, now: int, /) -> int: ...
def package_image_intact(data: _Buffer, /) -> bool: ...
def package_size(start: _Buffer, /) -> int: ...
def package_standing(not_before: int, expiry: int, now: int, alarm_s: int, grace_s: int, /) -> int: ...
