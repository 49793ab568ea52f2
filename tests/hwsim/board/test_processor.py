"""The processor and its run loop, with programs that are a few instructions long."""

import json
import os
import subprocess
import sys
from pathlib import Path


def test_a_list_of_events_that_fills_up_in_a_handler_loses_no_return_from_it() -> None:
    """The run came back for the list to be emptied and forgot that the handler had just returned; the next run then
    faulted at the return address."""
    ticks = 20_000  # the list holds 16,384
    script = Path(__file__).with_name("ticks.py")
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, str(script), str(ticks)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=True, env=environment)
    assert json.loads(done.stdout) == {"pins": ticks, "emptied": 1, "faults": []}
