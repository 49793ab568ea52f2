"""The whole core as a C library, called as a vendor's firmware calls it: with its own structures and pointers.

The CPython extension always passes what the header allows and nothing else. Here a pointer may be NULL, a buffer too
small and a number unknown. The structures are those of yima/core.h, written down a second time.
"""

import ctypes
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from tests.once import once
from yima.firmware_images.host_build import host_library
from yima.validator.journal.facts import Facts, parse

ROOT = Path(__file__).parents[3]
_ROOM = 65536  # more than any of the core's own structures


class AppliedRule(ctypes.Structure):
    """yima_applied_rule."""

    _fields_ = (
        ("number", ctypes.c_uint16),
        ("kind", ctypes.c_uint8),
        ("funder", ctypes.c_uint8),
        ("fen", ctypes.c_int32),
        ("funder_id", ctypes.c_uint32),
    )


class Verdict(ctypes.Structure):
    """yima_verdict."""

    _fields_ = (
        ("reason", ctypes.c_uint16),
        ("accepted", ctypes.c_uint8),
        ("family", ctypes.c_uint8),
        ("again", ctypes.c_uint8),
        ("was_accepted", ctypes.c_uint8),
        ("stages", ctypes.c_uint8 * 7),
        ("fare_fen", ctypes.c_uint32),
        ("gross_fen", ctypes.c_uint32),
        ("transaction", ctypes.c_uint8),
        ("rule_count", ctypes.c_uint8),
        ("rules", AppliedRule * 4),
        ("vouched", ctypes.c_uint8),
        ("has_digest", ctypes.c_uint8),
        ("digest", ctypes.c_uint8 * 32),
        ("account", ctypes.c_uint8 * 10),
        ("account_type", ctypes.c_uint8),
        ("entry_station", ctypes.c_uint16),
        ("entry_line", ctypes.c_uint16),
        ("entry_at", ctypes.c_uint32),
        ("good_until", ctypes.c_uint32),
        ("issuer_city", ctypes.c_uint32),
    )


class Moment(ctypes.Structure):
    """yima_moment."""

    _fields_ = (("unix_s", ctypes.c_int64), ("tick_ms", ctypes.c_uint64), ("trusted", ctypes.c_uint8))


class Gate(ctypes.Structure):
    """yima_gate."""

    _fields_ = (
        ("mode", ctypes.c_uint8),
        ("direction", ctypes.c_uint8),
        ("line", ctypes.c_uint16),
        ("station", ctypes.c_uint16),
        ("city", ctypes.c_uint32),
        ("operator_id", ctypes.c_uint32),
    )


STRINGS = (
    *("vendor", "terminal", "software", "record_id", "merchant_type", "vehicle"),
    *("plate", "driver", "line", "station", "position"),
)


class Trip(ctypes.Structure):
    """yima_trip."""

    _fields_ = (
        *((name, ctypes.c_char_p) for name in STRINGS),
        ("terminal_time", ctypes.c_uint32),
        ("mode", ctypes.c_uint8),
    )


def core_file(factory: pytest.TempPathFactory) -> Path:
    """A shared library of every file of the core but the flash log, compiled once a run."""
    sources = [path for path in sorted((ROOT / "validator/core").glob("*.c")) if not path.name.startswith("flashlog")]
    return once(factory, "core-library", lambda folder: host_library(sources, folder / "core.so")) / "core.so"


def core_library(factory: pytest.TempPathFactory) -> ctypes.CDLL:
    """The same, loaded."""
    built = ctypes.CDLL(str(core_file(factory)))
    for name in ("yima_family_name", "yima_package_error_name"):
        getattr(built, name).restype = ctypes.c_char_p
    built.yima_record_write.restype = ctypes.c_size_t
    built.yima_package_size.restype = ctypes.c_uint64
    built.yima_memory_size.restype = ctypes.c_size_t
    built.yima_judge.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, Moment, ctypes.POINTER(Verdict)]
    built.yima_settle.argtypes = [
        *(ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, Moment),
        *(ctypes.c_int, ctypes.c_int, ctypes.POINTER(Verdict)),
    ]
    return built


class CGate:
    """A validator in memory that the caller owns. image: parameters. entries: used codes remembered; None: enough.

    status: what yima_validator_init returned.
    """

    def __init__(
        self, library: ctypes.CDLL, image: bytes, *, mode: int = 1, entries: int | None = None, tables: int = 0
    ) -> None:
        self._library = library
        self._image = image
        self._parameters = ctypes.create_string_buffer(_ROOM)
        assert library.yima_parameters_open(self._parameters, image, ctypes.c_size_t(len(image)), None) == 0
        if entries is None:
            entries = library.yima_memory_need(self._parameters)
        size = library.yima_memory_size(ctypes.c_uint32(entries))
        self._memory = (ctypes.c_uint64 * (size // 8 + 1))()
        self._tables = (ctypes.c_uint64 * (tables // 8 + 1))()
        self._validator = ctypes.create_string_buffer(_ROOM)
        self.status: int = library.yima_validator_init(
            self._validator, self._parameters, Gate(mode=mode), self._memory, ctypes.c_size_t(size), self._tables,
            ctypes.c_size_t(tables),
        )  # fmt: skip

    @property
    def pointer(self) -> Any:
        """The yima_validator."""
        return self._validator

    @property
    def parameters(self) -> Any:
        """The yima_parameters."""
        return self._parameters

    @staticmethod
    def place(mode: int, direction: int = 0) -> Gate:
        """A yima_gate."""
        return Gate(mode=mode, direction=direction)

    def judge(self, code: bytes, unix_s: int) -> Verdict:
        """The verdict; ticks run with the seconds."""
        verdict = Verdict()
        self._library.yima_judge(
            self._validator, code, len(code), Moment(unix_s=unix_s, tick_ms=unix_s * 1000, trusted=1), verdict
        )
        return verdict

    def settle(self, code: bytes, unix_s: int, reason: int, verdict: Verdict) -> int:
        """yima_settle, with the issuer's word behind it; its status."""
        moment = Moment(unix_s=unix_s, tick_ms=unix_s * 1000, trusted=1)
        status: int = self._library.yima_settle(self._validator, code, len(code), moment, reason, 1, verdict)
        return status

    def retract(self, verdict: Verdict) -> None:
        """yima_retract."""
        self._library.yima_retract(self._validator, ctypes.byref(verdict))

    def facts(self, verdict: Verdict) -> Facts:
        """yima_facts_of_tap, as yima_facts_write puts it down."""
        facts, out = ctypes.create_string_buffer(_ROOM), ctypes.create_string_buffer(_ROOM)
        moment = Moment(unix_s=1, tick_ms=1, trusted=1)
        self._library.yima_facts_of_tap(facts, self._validator, ctypes.byref(verdict), moment, 1, bytes(16))
        size = self._library.yima_facts_write(out, ctypes.c_size_t(_ROOM), facts)
        return parse(out.raw[:size])[0]

    def idle(self) -> bool:
        """yima_idle, which answers with 1 or 0."""
        done = self._library.yima_idle(self._validator)
        assert done in (0, 1), done
        return bool(done)


def strings_of(names: Iterable[str], text: str) -> dict[str, Any]:
    """Keyword arguments of Trip that give each of these strings the same text."""
    return {name: text.encode() for name in names}
