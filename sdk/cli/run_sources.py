"""Where a run's parameters and deny-list come from, by its command line, and what it says of their versions."""

import argparse
from collections.abc import Callable

from yima.validator.deny.denylist import DenyList
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Moment, Validator
from yima.validator.packages import Label, read_pins
from yima.validator.parameters import Parameters
from yima.validator.state import DeviceState
from yima.validator.upkeep.deny_list import DenyPackages, DenySource, DenyUpkeep, PlainDenyList
from yima.validator.upkeep.parameters import Packages, PlainFile, Source, Upkeep
from yima.validator.uplink.versions import Versions, encode_versions
from yima.validator.version import VERSION


def source_of(arguments: argparse.Namespace) -> Callable[[DeviceState], Source]:
    """Where parameters come from; reads what can be read before there is a state directory."""
    if arguments.trust is None:
        plain = PlainFile(arguments.params, arguments.environment)
        return lambda state: plain
    pins = read_pins(arguments.trust)
    return lambda state: Packages(
        arguments.params,
        state.directory / "packages",
        pins,
        arguments.environment or "production",
        city=arguments.city,
    )


def deny_of(
    arguments: argparse.Namespace,
    state: DeviceState,
    tell: Callable[[Notice], None],
    *,
    begun: Moment,
    validator: Validator,
) -> DenyUpkeep | None:
    """What keeps the deny-list, if there is to be one, and gives it to the validator. Raises ParametersError."""
    if arguments.deny_list is None:
        return None
    source: DenySource = PlainDenyList(arguments.deny_list)
    if arguments.trust is not None:
        source = DenyPackages(
            arguments.deny_list,
            state.directory / "deny",
            read_pins(arguments.trust),
            arguments.environment or "production",
            city=arguments.city,
        )

    def changed(deny: DenyList | None) -> None:
        happening = Happening.DENY_LIST_CHANGED if deny else Happening.DENY_LIST_UNCHANGED
        tell(Notice(happening=happening, version=deny.version if deny else None))

    deny = DenyUpkeep(
        source,
        changed=changed,
        troubled=lambda error: tell(Notice(happening=Happening.DENY_LIST_TROUBLE, error=error)),
    )
    deny.start(begun)
    deny.serve(validator)
    return deny


def upkeep_of(
    source: Source,
    deny: DenyUpkeep | None,
    tell: Callable[[Notice], None],
    follow: Callable[[Parameters | None], Parameters | None],
) -> Upkeep:
    """What keeps parameters and deny-list as they should be. follow: who else goes by them, and gives them back."""
    return Upkeep(
        source,
        changed=lambda parameters: tell(_looked(follow(parameters), source.waiting)),
        troubled=lambda error: tell(Notice(happening=Happening.PARAMETERS_TROUBLE, error=error)),
        deny=deny,
    )


def _looked(parameters: Parameters | None, waiting: tuple[Label, ...]) -> Notice:
    """What came of looking again: what is in force now, None if nothing else is; and what waits."""
    if parameters is None:
        return Notice(happening=Happening.PARAMETERS_UNCHANGED, waiting=waiting)
    return Notice(happening=Happening.PARAMETERS_CHANGED, version=parameters.version, waiting=waiting)


class Stated:
    """What the uplink says of versions with every batch; called on its thread."""

    def __init__(self, device: str, source: Source, deny: DenyUpkeep | None) -> None:
        self._device, self._source, self._deny = device, source, deny

    def __call__(self) -> bytes:
        """The statement of now."""
        active, since = self._source.in_force()
        deny = self._deny.deny if self._deny else None
        return encode_versions(
            Versions(
                device=self._device,
                software=VERSION,
                parameters=active.version,
                parameters_id=active.id,
                since=since,
                waiting=self._source.waiting,
                deny=deny.version if deny else 0,
                deny_issued_at=deny.issued_at if deny else 0,
            )
        )
