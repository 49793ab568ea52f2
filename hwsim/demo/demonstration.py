"""The demonstration: real processes around simulated hardware, a script of riders, a network that fails half-way.

`yima collect` takes trips; `yima run` twice, as a bus validator on a serial line and as a metro gate with a camera,
each behind the network. Riders come as the script says; the network is cut after half of them and restored a little
later; then everything must arrive, be ended in order, and be accounted for.

Rules it keeps:
- Nothing is taken on trust: verdicts are held against what the world expects, stores are read from disk.
- Every wait is bounded, every process started is ended, also after Ctrl-C.
"""

import os
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from yima.hwsim.demo.accounts import Account, account
from yima.hwsim.demo.city_package import ENVIRONMENT, PACKAGE, write_package
from yima.hwsim.demo.clearing import Cleared, clear_taps
from yima.hwsim.demo.fares import GATES, NAMES
from yima.hwsim.demo.outcomes import Outcome
from yima.hwsim.demo.screen import Screen
from yima.hwsim.demo.sites import BusSite, MetroSite, Site
from yima.hwsim.demo.world import Presentation, World, begun_anew, came_back, make_world
from yima.hwsim.network import Network
from yima.hwsim.processes import Process, Processes
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.state import JOURNAL, look_at_journal
from yima.validator.texts import Text

START_S = 20.0
ARRIVE_S = 70.0  # a device that met the cut several times waits up to a minute before it tries again
STOP_S = 10.0
_HELD_ANEW = 3  # times that a phone is held anew: a gate that never sees it held is at fault
_PAUSE_S = 0.12  # between riders, so that a person can follow
_UPLOAD = ("--batch-count", "10", "--batch-age", "0.5", "--first-within", "0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of it. differences: what is not as it must be; none means that everything is accounted for.

    seconds: how long it took. carried: bytes up and down and connections that the network carried.
    """

    outcomes: Sequence[Outcome]
    accounts: Sequence[Account]
    differences: Sequence[Text]
    seconds: float
    carried: Mapping[str, int]


class Demonstration:
    """One run. taps: presentations; seed: of the script; directory: for everything it writes; fast: without pauses."""

    def __init__(self, *, taps: int, seed: int, directory: Path, fast: bool, screen: Screen) -> None:
        self._directory = directory
        self._pause_s = 0.0 if fast else _PAUSE_S
        self._screen = screen
        self._made_at = int(time.time())
        self._world: World = make_world(taps, seed, self._made_at)
        self._seed = seed
        self._store = directory / "trips.db"
        self._shown: dict[int, bytes] = {}
        self._left: dict[int, float] = {}  # when a presentation went out of view, monotonic seconds

    def run(self) -> Result:
        """Everything, from the first process to the accounts. Raises ProcessError when a process fails."""
        begun = time.monotonic()
        script = self._world.script
        outcomes: list[Outcome] = []
        with ExitStack() as closing:
            sockets = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="yima-", dir=short_parent())))
            processes = closing.enter_context(Processes())
            collector, network = self._start_collector(processes, closing)
            sites = self._start_sites(processes, network, sockets, closing)
            self._screen.headings()
            # Devices wait longer after every failure; a short cut is seen as well as a long one.
            cut = len(script) // 2
            restored = cut + max(1, len(script) // 8)
            for one in script:
                if one.number - 1 == cut and cut > 0:
                    network.cut()
                    self._screen.network(up=False, waiting=self._waiting(sites))
                if one.number - 1 == restored and not network.up:
                    self._screen.network(up=True, waiting=self._waiting(sites))
                    network.restore()
                processes.check()
                for outcome in self._present(one, sites[one.mode]):
                    outcomes.append(outcome)
                    self._screen.tap(outcome)
            network.restore()
            self._wait_for_arrival(sites, processes)
            for process in [*(site.running for site in sites.values()), collector]:
                process.stop(STOP_S)
            for site in sites.values():
                site.listen(0.0)
        carried = {"up": network.bytes_up, "down": network.bytes_down, "connections": network.connections}
        return self._result(outcomes, sites, time.monotonic() - begun, carried)

    def clear(self, outcomes: Sequence[Outcome]) -> Cleared:
        """Who owes whom after that; the collector has stopped. Never fails."""
        return clear_taps(self._store, self._directory / PACKAGE, self._world.cast, outcomes)

    def _start_collector(self, processes: Processes, closing: ExitStack) -> tuple[Process, Network]:
        collector = processes.start(
            "yima collect", ["collect", "--listen", "127.0.0.1:0", "--store", str(self._store), "--bench", "--json"]
        )
        host, _, port = str(_awaited(collector, "listening")["url"]).rpartition("/")[2].rpartition(":")
        network = closing.enter_context(Network((host, int(port))))
        self._screen.started(Text("collector", "采集端"), f"127.0.0.1:{port}, {self._store.name}")
        return collector, network

    def _start_sites(
        self, processes: Processes, network: Network, sockets: Path, closing: ExitStack
    ) -> dict[Mode, Site]:
        files = write_package(self._world.cast, self._directory, self._made_at)
        self._screen.started(Text("signed parameters", "已签名参数包"), f"{files.package.name}, {files.summary}")
        host, port = network.address
        sites: dict[Mode, Site] = {
            Mode.BUS: BusSite("bus-1", sockets, closing),
            Mode.METRO: MetroSite("gate-1", sockets, self._seed, closing),
        }
        for mode, site in sites.items():
            place = GATES[mode]
            arguments = ["run", "--json", "--reader", site.reader, "--gate", site.gate]
            arguments += ["--params", str(files.package), "--trust", str(files.trust), "--environment", ENVIRONMENT]
            arguments += ["--state", str(self._state(site)), "--device", site.device, "--mode", mode.value]
            arguments += ["--city", str(place.city), "--line", str(place.line), "--station", str(place.station)]
            arguments += ["--direction", place.direction.value, "--operator", f"{place.operator:08}"]
            arguments += ["--collector", f"http://{host}:{port}", *_UPLOAD]
            site.process = processes.start(f"yima run ({site.device})", arguments)
        for mode, site in sites.items():
            _awaited(site.running, "started")
            _await_link(site)
            where = NAMES[mode]
            self._screen.started(
                Text(f"{site.device}, {where.en}", f"{site.device}，{where.zh}"), site.reader.partition("?")[0]
            )
        return sites

    def _present(self, one: Presentation, site: Site) -> Iterator[Outcome]:
        """What comes of it. A phone that is held still is shown until the gate has seen it so: where this machine stood
        still for longer than a gate keeps a phone in view, the answer is rightly that to a phone that comes back, and
        the rider begins anew, with a fresh code."""
        outcome = self._present_once(one, site)
        for _ in range(_HELD_ANEW):
            tap = outcome.tap
            if not one.again or tap is None or tap.reason is not Reason.REPEATED:
                break
            yield replace(outcome, presentation=came_back(one, still_there=tap.again))
            anew = begun_anew(self._world.script, one)
            yield self._present_once(anew, site)
            outcome = self._present_once(replace(one, repeats=anew.number), site)
        yield outcome

    def _present_once(self, one: Presentation, site: Site) -> Outcome:
        if one.repeats is not None:
            time.sleep(max(0.0, self._left[one.repeats] + one.rest_s - time.monotonic()))
        elif not one.again:
            time.sleep(self._pause_s)
        payload = self._world.payload(one, int(time.time()), self._shown)
        self._shown[one.number] = payload
        if one.jams:
            site.jam()
        tap = site.present(payload, again=one.again)
        if one.jams:
            site.reset()
        self._left[one.number] = time.monotonic()
        return Outcome(presentation=one, tap=tap)

    def _wait_for_arrival(self, sites: dict[Mode, Site], processes: Processes) -> None:
        """Until the collector has acknowledged everything, or the time is up: then the accounts will say what lacks."""
        with self._screen.waiting(Text("waiting for the collector's acknowledgements", "等待采集端确认")):
            deadline = time.monotonic() + ARRIVE_S
            while self._waiting(sites) and time.monotonic() < deadline:
                for site in sites.values():
                    site.listen(0.1)
                processes.check()

    def _waiting(self, sites: dict[Mode, Site]) -> int:
        """How many records wait for the collector."""
        waiting = 0
        for site in sites.values():
            journal = look_at_journal(self._state(site))
            waiting += journal.last_sequence() - journal.acknowledged()
            journal.close()
        return waiting

    def _result(
        self, outcomes: Sequence[Outcome], sites: dict[Mode, Site], seconds: float, carried: Mapping[str, int]
    ) -> Result:
        accounts = []
        differences = [found for outcome in outcomes if (found := outcome.difference)]
        for site in sites.values():
            accounts.append(account(site.device, site.taps, self._state(site) / JOURNAL, self._store))
            differences += accounts[-1].differences
            differences += site.differences()
        return Result(outcomes=outcomes, accounts=accounts, differences=differences, seconds=seconds, carried=carried)

    def _state(self, site: Site) -> Path:
        return self._directory / site.device


def _awaited(process: Process, event: str) -> dict[str, Any]:
    """The event that a process says when it is ready, behind what it has to tell of its parameters. Raises ProcessError
    when it does not come."""
    deadline = time.monotonic() + START_S
    while (said := process.said(max(0.0, deadline - time.monotonic()))) is not None:
        if said.get("event") == event:
            return said
    raise process.failed(Text(f"was not ready within {START_S:.0f} s", f"{START_S:.0f} 秒内未就绪"))


def _await_link(site: Site) -> None:
    deadline = time.monotonic() + START_S
    while not site.linked:
        if time.monotonic() > deadline:
            raise site.running.failed(Text("did not connect to its hardware", "未连接到硬件"))
        time.sleep(0.01)


def short_parent() -> str | None:
    """Where a folder for sockets goes: their paths hold 107 bytes, whatever TMPDIR says. None: where TMPDIR says."""
    return None if len(os.fsencode(tempfile.gettempdir())) <= 60 else "/tmp"  # noqa: S108 - the folder's name is random
