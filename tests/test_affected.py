"""tests.affected: which tests a change touches."""

from pathlib import Path

import pytest

from tests.affected import module_name, touched

SENDER = Path("validator/uplink/sender.py")


def test_a_module_touches_the_tests_that_mirror_or_import_it() -> None:
    found = touched([SENDER])
    assert Path("tests/validator/uplink/test_sender.py") in found
    assert Path("tests/validator/test_device.py") in found, "it imports BatchPolicy"
    assert Path("tests/sdk/test_qr.py") not in found


UPLINK_TESTS = (
    "test_certificates.py", "test_conformance_http.py", "test_conformance_mqtt.py", "test_sender.py",
    "test_shared_uses.py", "test_uplink.py", "test_uplink_lives.py", "test_uses_wire.py", "test_versions.py",
)  # fmt: skip


def test_a_changed_test_touches_itself_and_its_conftest_all_beside_it() -> None:
    test = Path("tests/validator/uplink/test_sender.py")
    assert touched([test]) == {test}
    beside = {test.with_name(name) for name in UPLINK_TESTS}
    assert touched([test.with_name("conftest.py")]) == beside


def test_the_core_touches_the_tests_of_the_core() -> None:
    assert Path("tests/validator/core") in touched([Path("validator/core/judge.c")])


def test_what_is_no_source_touches_nothing() -> None:
    assert touched([Path("LICENSE"), Path("benchmarks/board.json")]) == set()


def test_a_page_touches_the_tests_of_the_pages() -> None:
    for page in ("README.md", "docs/board.md", "docs/demo.svg"):
        assert Path("tests/docs/test_links.py") in touched([Path(page)])


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("validator/uplink/sender.py", "yima.validator.uplink.sender"),
        ("sdk/__init__.py", "yima.sdk"),
        ("benchmarks/taps.py", "benchmarks.taps"),
    ],
)
def test_a_file_has_the_name_it_is_imported_by(path: str, name: str) -> None:
    assert module_name(Path(path)) == name
