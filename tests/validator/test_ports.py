"""yima.validator.ports: a back-end by its name; one that does not load or does not open is an error of its port."""

import importlib
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from yima.validator import ports
from yima.validator.errors import GateError, PlaceError, ReaderError, ResolverError, YimaError

OPENINGS = [
    (ports.open_reader, ReaderError),
    (ports.open_gate, GateError),
    (ports.open_place, PlaceError),
    (ports.open_resolver, ResolverError),
]
every_port = pytest.mark.parametrize(("opened", "kind"), OPENINGS)
Opening = Callable[[str], Any]


@pytest.fixture
def vendors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes a vendor's plug-in the one of the name `vendor`, with this source."""

    def put(source: str) -> None:
        (tmp_path / "vendors_back_end.py").write_text(source, encoding="utf-8")
        importlib.invalidate_caches()
        monkeypatch.delitem(sys.modules, "vendors_back_end", raising=False)

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(ports, "entry_points", lambda group: [EntryPoint("vendor", "vendors_back_end:open_it", group)])
    return put


@every_port
@pytest.mark.parametrize(
    "raised",
    [
        "ImportError('libGL.so.1: cannot open shared object file')",
        "AttributeError('_ARRAY_API not found: libGL.so.1')",
    ],
)
def test_a_library_that_does_not_load_is_named(
    opened: Opening, kind: type[YimaError], raised: str, vendors: Callable[[str], None]
) -> None:
    """A camera's library that lacks one of the system's was a traceback."""
    vendors(f"raise {raised}")
    with pytest.raises(kind, match=r"vendor:x: its library cannot be loaded \(.*libGL\.so\.1") as told:
        opened("vendor:x")
    assert "系统库" in told.value.remedy.zh


@every_port
def test_whatever_a_back_end_raises_at_opening_is_its_ports_error(
    opened: Opening, kind: type[YimaError], vendors: Callable[[str], None]
) -> None:
    vendors("def open_it(address): raise KeyError(address + chr(27))")
    with pytest.raises(kind, match=r"vendor:x: does what it must not \(KeyError: .*x1b"):
        opened("vendor:x")


@every_port
def test_what_a_back_end_says_of_itself_stays_as_it_is(
    opened: Opening, kind: type[YimaError], vendors: Callable[[str], None]
) -> None:
    assert kind
    vendors(
        "from yima.validator.errors import YimaError\n"
        "from yima.validator.texts import Text\n"
        "def open_it(address): raise YimaError(address, Text('is away', '不在'), Text('Wait', '请稍候'))\n"
    )
    with pytest.raises(YimaError, match=r"^x: is away\. Wait"):
        opened("vendor:x")
