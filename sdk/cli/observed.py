"""Whether a run is observed, by its command line; the libraries for it are loaded only then."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from yima.sdk.observing.seen import Looking
from yima.validator.errors import YimaError
from yima.validator.happenings import Happening, Notice, Tap


class Observes(Protocol):
    """Who looks at one run: its metrics, its console."""

    def start(self, looking: Looking, turned_at: Callable[[], float]) -> None:
        """Begins, with looks at this device."""

    def tap(self, tap: Tap) -> None:
        """One presentation."""

    def notice(self, notice: Notice) -> None:
        """What happened besides."""

    def turned(self) -> None:
        """The loop of a tap has turned."""

    def stop(self) -> None:
        """Frees what it holds."""


class Observers:
    """All who look at one run; nobody, mostly."""

    def __init__(self) -> None:
        self._all: list[Observes] = []
        self._looking: Looking | None = None

    def add(self, observer: Observes) -> None:
        """One more."""
        self._all.append(observer)

    def start(self, looking: Looking, turned_at: Callable[[], float]) -> None:
        """See Observes."""
        self._looking = looking
        for one in self._all:
            one.start(looking, turned_at)

    def tap(self, tap: Tap) -> None:
        """See Observes."""
        for one in self._all:
            one.tap(tap)

    def notice(self, notice: Notice) -> None:
        """See Observes."""
        if notice.happening is Happening.PARAMETERS_CHANGED and notice.version is not None and self._looking:
            self._looking.parameters_version = notice.version
        for one in self._all:
            one.notice(notice)

    def turned(self) -> None:
        """See Observes."""
        for one in self._all:
            one.turned()

    def stop(self) -> None:
        """See Observes."""
        for one in self._all:
            one.stop()


def observe(observers: Observers, arguments: argparse.Namespace, device: str, tell: Callable[[Notice], None]) -> None:
    """Adds who is to look by the command line. Raises ServingError when a port cannot be had or is open to others."""

    def trouble(happening: Happening) -> Callable[[YimaError], None]:
        return lambda error: tell(Notice(happening=happening, error=error))

    if arguments.metrics is not None:
        from yima.sdk.observing.observer import Observer  # noqa: PLC0415 - an optional extra

        observers.add(Observer(arguments.metrics, device, on_trouble=trouble(Happening.METRICS_TROUBLE)))
    if arguments.console is not None:
        from yima.sdk.observing.console import DeviceConsole  # noqa: PLC0415 - few runs have one

        told = trouble(Happening.CONSOLE_TROUBLE)
        observers.add(DeviceConsole(arguments.console, device, token_file=arguments.console_token, on_trouble=told))


def add_console_arguments(parser: argparse._ArgumentGroup | argparse.ArgumentParser) -> None:
    """--console and its token."""
    parser.add_argument(
        "--console", metavar="[HOST:]PORT",
        help="show live there what happens, 8090 is usual; without HOST: this machine only 实时页面端口",
    )  # fmt: skip
    parser.add_argument(
        "--console-token", type=Path, metavar="FILE",
        help="whoever looks must know the line in it; needed where HOST is not this machine 实时页面令牌文件",
    )  # fmt: skip
