"""Several collectors on one database, as processes, one of them killed at any time: nothing is lost, nothing is there
twice, and no device is refused."""

import random
import time
from pathlib import Path

import pytest

from benchmarks.collector import Service
from benchmarks.faults import compared
from benchmarks.faults_devices import Device, hurry
from benchmarks.faults_proxy import Proxy
from benchmarks.postgres import LACKING, cluster, programs
from yima.sdk.centre.fleet.database import open_fleet
from yima.sdk.centre.fleet.devices import Register
from yima.validator.uplink import sender

KILLS = 8


class _Rows:
    """What the database holds, as `compared` asks for it."""

    def __init__(self, store: str) -> None:
        self._store = store

    def rows(self) -> list[tuple[str, int, int, bytes, str | None]]:
        import psycopg

        with psycopg.connect(self._store) as connection:
            return list(connection.execute("SELECT device, epoch, sequence, hash, rejected FROM entries"))


@pytest.mark.long
@pytest.mark.parametrize("how", ["enrolled", "first use"])
def test_collectors_that_share_a_database_may_be_killed_at_any_time(
    tmp_path: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if programs() is None:
        pytest.skip(LACKING.en)
    monkeypatch.setattr(sender, "WAIT_MIN_S", sender.WAIT_MIN_S)  # `hurry` is undone
    monkeypatch.setattr(sender, "WAIT_MAX_S", sender.WAIT_MAX_S)
    hurry()
    chance = random.Random(1)
    tmp_path.chmod(0o755)
    with cluster() as server:
        store = server.make("trips")
        options = ["--bench"] if how == "first use" else []
        services = [Service(store, tmp_path / f"{number}.log", *options) for number in range(3)]
        devices = [Device(tmp_path / f"gate-{number}", f"gate-{number}", number, (3000,)) for number in range(8)]
        register = open_fleet(store)
        for device in devices:
            if how == "enrolled":
                Register(register).enrol(device.name, device._key.public, who="test")
        register.close()
        time.sleep(0.6)  # by then every collector has heard of it (`devices.LOOK_EVERY_S`)
        try:
            with Proxy(lambda: [(one.host, one.port) for one in services], chance=0, seed=1) as proxy:
                for device in devices:
                    device.start(proxy.url)
                kills = 0
                until = time.monotonic() + 200
                while kills < KILLS or not all(device.is_done for device in devices):
                    assert time.monotonic() < until, "not all was acknowledged"
                    if kills < KILLS:
                        number = chance.randrange(len(services))
                        services[number].kill()
                        services[number] = Service(store, tmp_path / f"{number}.log", *options)
                        kills += 1
                    time.sleep(chance.random() * 0.3)
                assert set(proxy.answers) <= {200, 503}
            lost, doubled, misjudged = compared(_Rows(store), devices)  # type: ignore[arg-type]
            assert (lost, doubled, misjudged) == ({}, [], 0)
        finally:
            for service in services:
                service.stop()
            for device in devices:
                device.close()
