"""Where a run's parameters and deny-list come from, by its command line, and what it says of their versions."""

import argparse
from collections.abc import Callable

from yima.sdk.cli.arguments import gate_of
from yima.validator.deny.denylist import DenyList
from yima.validator.errors import ParametersError
from yima.validator.happenings import Happening, Notice
from yima.validator.judging import Moment, Validator
from yima.validator.packages import Chain, Label, read_pins
from yima.validator.packages.publication import Place
from yima.validator.parameters import Parameters
from yima.validator.parameters.own_part import Spot
from yima.validator.ports import Clock
from yima.validator.state import DeviceState
from yima.validator.texts import Text
from yima.validator.upkeep.deny_list import DenyPackages, DenySource, DenyUpkeep, PlainDenyList
from yima.validator.upkeep.fetching import HttpFetch
from yima.validator.upkeep.parameters import Packages, PlainFile, Source, Upkeep
from yima.validator.upkeep.pull_thread import DenyHandover, HeldByStore, PullThread
from yima.validator.upkeep.pulling import Puller
from yima.validator.uplink.versions import Versions, encode_versions
from yima.validator.version import VERSION


def source_of(arguments: argparse.Namespace) -> Callable[[DeviceState], Source]:
    """Where parameters come from; reads what can be read before there is a state directory. Raises ParametersError."""
    if arguments.params is None and arguments.packages is None:
        raise _lacking("--params", Text("or --packages is needed", "与 --packages 至少需要一个"))
    if arguments.trust is None:
        if arguments.packages is not None:
            raise _lacking("--packages", Text("takes signed packages alone", "只接受已签名的参数包"))
        plain = PlainFile(arguments.params, arguments.environment)
        return lambda state: plain
    pins = read_pins(arguments.trust)
    fetch = HttpFetch(arguments.packages) if arguments.packages else None

    def packages_in(state: DeviceState) -> Source:
        packages = Packages(
            arguments.params,
            state.directory / "packages",
            pins,
            arguments.environment or "production",
            city=arguments.city,
        )
        if fetch:
            holding = HeldByStore(packages.store, packages.give)
            place, spot = _place(arguments, state), _spot(arguments)
            puller = Puller(fetch, state.directory / "pulled", place, {Chain.PARAMETERS: holding}, spot=spot)
            packages.puller = puller
            packages.first = lambda now: _ask_once(puller, now)
        return packages

    return packages_in


def _ask_once(puller: Puller, now: Moment) -> None:
    """The first question, at the start. Raises the trouble, if there is any."""
    troubles: list[ParametersError] = []
    puller.step(now, troubles.append)
    if troubles:
        raise troubles[0]


def pull_of(
    source: Source, state: DeviceState, deny: DenyUpkeep | None, clock: Clock, tell: Callable[[Notice], None]
) -> PullThread | None:
    """What pulls while the device runs: parameters, and deny-lists where it has one."""
    if not isinstance(source, Packages) or source.puller is None:
        return None
    if deny and isinstance(deny.source, DenyPackages):
        handover = DenyHandover(deny.source, deny.request)
        source.puller.serve(Chain.DENY, HeldByStore(deny.source.store, handover.give))
    return PullThread(
        source.puller,
        clock.now,
        lambda error: tell(Notice(happening=Happening.PARAMETERS_TROUBLE, error=error)),
    )


def _place(arguments: argparse.Namespace, state: DeviceState) -> Place:
    return Place(state.device, arguments.city, arguments.operator, arguments.mode, arguments.line)


def _spot(arguments: argparse.Namespace) -> Spot:
    """Which part of a package it needs; a bus that is told its line needs those of all."""
    gate = gate_of(arguments)
    return Spot(gate.mode, gate.city, None if arguments.place else gate.line, gate.station)


def _lacking(option: str, problem: Text) -> ParametersError:
    remedy = Text("Name the file with --params, the signers with --trust", "请用 --params 与 --trust 指定文件与公钥")
    return ParametersError(option, problem, remedy)


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
    pull: PullThread | None,
    follow: Callable[[Parameters | None], Parameters | None],
) -> Upkeep:
    """What keeps parameters and deny-list as they should be. follow: who else goes by them, and gives them back."""
    return Upkeep(
        source,
        changed=lambda parameters: tell(_looked(follow(parameters), source.waiting)),
        troubled=lambda error: tell(Notice(happening=Happening.PARAMETERS_TROUBLE, error=error)),
        deny=deny,
        pull=pull,
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
