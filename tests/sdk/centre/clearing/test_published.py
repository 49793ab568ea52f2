"""What the centre has published: parameters and deny-lists, of which each tap is judged by those that it names."""

from pathlib import Path

import pytest

from tests.sdk.centre.clearing import centre, world
from tests.sdk.centre.clearing.test_against_plain import tariff
from tests.sdk.centre.clearing.world import DAY, NOON, Device
from yima.sdk.centre.clearing.tables import CHECKS
from yima.sdk.centre.clearing.taps.parameters import load_folder
from yima.sdk.centre.clearing.workspace import Workspace
from yima.sdk.parameters.denylist import Changes, accounts_of, build
from yima.sdk.parameters.signing import sign_deny_list
from yima.sdk.sm2 import SigningKey
from yima.validator.deny.denylist import DenyList, account_bytes
from yima.validator.errors import ParametersError
from yima.validator.packages import parse_package


def deny_images(*of_version: list[str]) -> list[bytes]:
    """A full list, then an increment for each further one."""
    images: list[bytes] = []
    for version, accounts in enumerate(of_version, 1):
        changes = Changes(denied=accounts_of(map(account_bytes, accounts)))
        base = DenyList(*images) if images else None
        images.append(build(changes, environment="test", version=version, issued_at=NOON - 100 + version, base=base))
    return images


def test_a_deny_list_is_the_one_of_the_version_that_the_gate_named(tmp_path: Path) -> None:
    """The centre has a full list and two increments; each gate is judged by the one that it had."""
    bus = Device("bus-1", tariff())
    first, second = "31048700000000000001", "31048700000000000002"
    images = deny_images(["31048700000000000099"], [first], [second])
    packages: list[bytes] = []
    key = SigningKey.generate()
    for image in images:
        base = [parse_package(data, "base") for data in packages]
        packages.append(sign_deny_list(image, [key], base=base))
    folder = tmp_path / "parameters"
    folder.mkdir()
    (folder / "city.img").write_bytes(bytes(tariff().image))
    for number, data in enumerate(packages):
        (folder / f"{9 - number}.ymp").write_bytes(data)  # whatever their names are
    published = load_folder(folder)
    assert sorted(deny.version for deny in published.denies) == [1, 2, 3]
    other = deny_images(["31048700000000000098"], ["31048700000000000097"])  # the same versions, made by somebody else
    for versions, at in ((1, 0), (2, 1000)):
        bus.validator.set_deny(DenyList(*other[:versions]))
        for card in (1, 2):
            assert bus.tap(world.rider(card).code(NOON + at), NOON + at).accepted
    workspace = Workspace(tmp_path / "w")
    centre.run(workspace, [world.store(tmp_path / "s.db", bus.entries)], published, [DAY])
    assert [row["why"] for row in centre.rows(workspace, CHECKS)] == ["NONE", "NONE", "CORE_REFUSES", "NONE"]
    workspace.close()
    (folder / "8.ymp").unlink()
    with pytest.raises(ParametersError, match=r"7\.ymp.*deny-list that is not here"):
        load_folder(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ParametersError, match="nowhere"):
        load_folder(tmp_path / "nowhere")
