"""How `yima run` opens its reader: as the parameters say, where the command leaves it open."""

from yima.sdk.cli.run_parts import with_profile
from yima.validator.parameters.rules import ReaderProfile


def test_a_scanners_line_speaks_as_the_parameters_say_where_the_command_leaves_it_open() -> None:
    profile = ReaderProfile(baud=9600, gap_ms=30, prefix=b"", suffix=b"\x0d")
    assert with_profile("serial:/dev/ttyS1", profile) == "serial:/dev/ttyS1?baud=9600&gap_ms=30&suffix=0d"
    assert with_profile("serial:/dev/ttyS1?baud=4800", profile).startswith("serial:/dev/ttyS1?baud=4800&gap_ms=30")


def test_without_a_profile_or_with_another_reader_the_command_stands() -> None:
    assert with_profile("serial:/dev/ttyS1", None) == "serial:/dev/ttyS1"
    assert with_profile("camera:0", ReaderProfile()) == "camera:0"
