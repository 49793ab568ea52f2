"""The file in which a store of packages says what is in force, what was before it, and whom to trust."""

from dataclasses import dataclass

from yima.validator import _core
from yima.validator.packages import Chain

_FORM = "yima packages 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """newest: (version, id) of the newest package that was ever in force here. keys, needed: whom it trusts. active,
    before: names of files. since: when what is in force came into it, unix seconds. replaced: the highest version whose
    package gave up what waited; nothing below it comes into force any more.
    """

    environment: str
    chain: Chain
    newest: tuple[int, bytes] | None = None
    keys: tuple[bytes, ...]
    needed: int
    active: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    since: int = 0
    replaced: int = 0

    def to_text(self) -> str:
        """As the file has it."""
        version, name = self.newest or (0, b"")
        lines = [
            _FORM,
            f"environment {self.environment}",
            f"chain {self.chain.value}",
            f"newest {version} {name.hex()}".rstrip(),
            " ".join(["keys", str(self.needed), *(key.hex() for key in self.keys)]),
            " ".join(["active", *self.active]),
            " ".join(["before", *self.before]),
            f"since {self.since}",
            f"replaced {self.replaced}",
        ]
        return "\n".join([*lines, _check_line(lines)]) + "\n"

    @classmethod
    def from_text(cls, text: str) -> "State":
        """Raises ValueError, KeyError or IndexError if it is not what to_text wrote."""
        *lines, last = text.splitlines()
        if lines[:1] != [_FORM] or last != _check_line(lines):
            raise ValueError(text)
        fields = {word: rest for word, *rest in (line.split() for line in lines)}
        version, *name = fields["newest"]
        if not name and version != "0":
            raise ValueError(text)
        needed, *keys = fields["keys"]
        return cls(
            environment=fields["environment"][0],
            chain=Chain(fields["chain"][0]),
            newest=(int(version), bytes.fromhex(name[0])) if name else None,
            keys=tuple(bytes.fromhex(key) for key in keys),
            needed=int(needed),
            active=tuple(fields["active"]),
            before=tuple(fields["before"]),
            since=int(fields["since"][0]),
            replaced=int(fields["replaced"][0]),
        )


def _check_line(lines: list[str]) -> str:
    """Against accident, not against malice."""
    return f"check {_core.sm3(chr(10).join(lines).encode()).hex()}"
