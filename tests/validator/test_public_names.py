"""What `yima.validator` offers is there when it is asked for, and is not loaded before."""

import subprocess
import sys

import pytest

import yima.validator


@pytest.mark.parametrize("name", yima.validator.__all__)
def test_every_name_it_offers_is_there(name: str) -> None:
    assert getattr(yima.validator, name) is getattr(yima.validator, name)


def test_a_name_it_does_not_offer_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Gate'"):
        yima.validator.Gate  # noqa: B018


def test_an_error_of_the_package_starts_without_the_core() -> None:
    loaded = "import sys, yima.validator.errors; print('yima.validator._core' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
