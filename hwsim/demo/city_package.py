"""The signed parameter package of the demonstration: the Yangtze-delta profile, edited as an operator would edit it.

Rules it keeps:
- It goes the way of a real one: source directory, image, envelope, signature; a device takes it by the signer's public
  key and by nothing else. The signing key is made for the occasion and kept by nobody.
- Only rows are added to the profile's files, no code: one more institution, two more cities, a lost card.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from yima.hwsim.demo.cast import NEXT_YEAR, Cast
from yima.hwsim.demo.fares import GATES
from yima.sdk.parameters.compile import build_package
from yima.sdk.parameters.source import read_source
from yima.sdk.profiles.yangtze_delta.build import write_source
from yima.sdk.profiles.yangtze_delta.plan import load_plan
from yima.sdk.sm2 import SigningKey
from yima.validator.packages import Trust, pins_as_text, read_pins
from yima.validator.parameters import Parameters, load
from yima.validator.texts import Text, say

ENVIRONMENT = "test"
PACKAGE = "yangtze-delta.ymp"
_HOUR_S = 3600
_DAY_S = 86400


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPackage:
    """What a device is given. package: the file. trust: the file with the signer's public key. summary: for people."""

    package: Path
    trust: Path
    summary: str

    def load(self, now: int) -> Parameters:
        """The parameters as a device that trusts the signer takes them at `now`, unix seconds."""
        pins = read_pins(self.trust)
        trust = Trust(environment=ENVIRONMENT, keys=pins.keys, needed=pins.needed)
        return load(self.package, trust=trust, now=now)


def write_package(cast: Cast, directory: Path, now: int) -> CityPackage:
    """Writes source, package and trust file into a directory that is there. now: unix seconds."""
    source = write_source(
        directory / "parameters",
        [root.certificate for root in cast.roots],
        not_before=datetime.fromtimestamp(now - _HOUR_S, UTC),
        expiry=datetime.fromtimestamp(now + 30 * _DAY_S, UTC),
        environment=ENVIRONMENT,
    )
    _edit(source, cast, now)
    read = read_source(source)
    key = SigningKey.generate()
    package = build_package(read, [key])
    count = Text(f"{len(read.rules.whitelist)} institutions", f"{len(read.rules.whitelist)} 家机构")
    files = CityPackage(
        package=directory / PACKAGE,
        trust=directory / "signers.txt",
        summary=f"{say(count)}, {len(package)} bytes 字节",
    )
    files.package.write_bytes(package)
    files.trust.write_text(pins_as_text([key.compressed], about="the demonstration's signer"), encoding="utf-8")
    return files


def _edit(source: Path, cast: Cast, now: int) -> None:
    """Adds the rows that make the demonstration's world out of the profile."""
    known = set(load_plan().cities)
    more = [one for one in cast.institutions if one.city not in known or len(one.modes) == 1]
    _append(
        source / "whitelist.csv",
        (f"{one.organisation},{one.platform},{one.city.division},{' '.join(one.modes)}," for one in more),
    )
    next_year = datetime.fromtimestamp(now, UTC).year + 1
    _append(
        source / "acceptance.csv",
        (f"{gate.city},{mode},{NEXT_YEAR.division},{next_year}-02-01," for mode, gate in GATES.items()),
    )
    (source / "deny.csv").write_text(f"account\n{cast.denied_account}\n", encoding="utf-8")


def _append(path: Path, lines: Iterable[str]) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
