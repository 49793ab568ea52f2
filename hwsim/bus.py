"""The face of a bus validator: lamp, buzzer and display.

Rules it keeps:
- No clock and no I/O: commands come in with their moment in milliseconds of any monotonic clock, the face is a value.
- Every answer is shown in both languages, and for as long as it takes to read it; then the face invites again.
- A new command replaces what is shown at once: the next rider never reads the answer of the one before.

Not modelled: brightness, volume and fonts; the driver's console; a door that depends on the answer.
"""

from dataclasses import dataclass
from enum import StrEnum

from yima.hwsim.commands import Command, Receipt, Verb
from yima.validator.texts import Text


class Lamp(StrEnum):
    """The lamp beside the window."""

    OFF = "off"
    GREEN = "green"
    RED = "red"


class Buzzer(StrEnum):
    """What is heard, once, when a command arrives."""

    SILENT = "silent"
    ONE_BEEP = "one beep"
    THREE_BEEPS = "three beeps"


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """What a rider sees and hears. fare: empty unless a fare was taken, e.g. `¥2.00`."""

    lamp: Lamp
    buzzer: Buzzer
    text: Text
    fare: str = ""


INVITATION = Face(lamp=Lamp.OFF, buzzer=Buzzer.SILENT, text=Text("Please show your code", "请出示乘车码"))


def yuan(fen: int) -> str:
    """An amount of fen as riders read it, e.g. `¥2.00`."""
    return f"¥{fen // 100}.{fen % 100:02d}"


class BusValidator:
    """One validator's face. shown_ms: how long an answer stands, milliseconds."""

    def __init__(self, shown_ms: int = 1500) -> None:
        self._shown_ms = shown_ms
        self._face = INVITATION
        self._until_ms: int | None = None

    @property
    def face(self) -> Face:
        """What is shown now."""
        return self._face

    def advance(self, now_ms: int) -> Face:
        """Lets time pass up to now_ms: an answer that stood long enough gives way to the invitation."""
        if self._until_ms is not None and now_ms >= self._until_ms:
            self._face, self._until_ms = INVITATION, None
        return self._face

    def obey(self, command: Command, now_ms: int) -> Receipt:
        """Shows the answer. Shown again is silent: the rider has heard it."""
        again = command.verb is Verb.SHOW_AGAIN
        sound = Buzzer.ONE_BEEP if command.accepted else Buzzer.THREE_BEEPS
        self._face = Face(
            lamp=Lamp.GREEN if command.accepted else Lamp.RED,
            buzzer=Buzzer.SILENT if again else sound,
            text=command.text,
            fare=yuan(command.fare_fen) if command.fare_fen else "",
        )
        self._until_ms = now_ms + self._shown_ms
        return Receipt(number=command.number, done=True, state=f"lamp {self._face.lamp.value}")
