"""The `yima` command: finds the verb, runs it, and turns what went wrong into one line and an exit status.

Rules:
- Verbs are entry points of the group `yima.commands`: modules with HELP, add_arguments(parser) and run(arguments) ->
  exit status. Only the verb that is asked for is imported.
- Exit status: the verb's own; for whatever an engineer can mend (YimaError), said in one line on stderr, by its kind;
  130 after Ctrl-C. Output that found no room is a failure of its own, whatever the verb's answer was. The table is in
  `exit_status`, and at the end of every verb's `--help`.
- No secret of an address leaves by an error of argparse either.
"""

import argparse
import errno
import io
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol, cast

from yima.sdk.cli.exit_status import INTERRUPTED, NO, epilog, status_of
from yima.sdk.cli.usage import Parser
from yima.validator.errors import Kind, YimaError
from yima.validator.guarding.lines import close_shared, shared_writer
from yima.validator.remedies import missing_module
from yima.validator.shown import ESCAPED
from yima.validator.texts import Text
from yima.validator.version import VERSION

_GROUP = "yima.commands"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


class Verb(Protocol):
    """What a verb's module has."""

    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares its arguments."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does it; returns the exit status."""


class CommandError(YimaError):
    """A verb that cannot run."""

    kind = Kind.USAGE


class OutputError(YimaError):
    """Output that finds no room: whatever the verb found, nobody can read all of it."""

    kind = Kind.STATE


class PathError(YimaError):
    """A path that the system does not take."""

    kind = Kind.STATE


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (without the program's name); returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_missing()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors=ESCAPED)  # a locale without Chinese gets escapes, not a traceback
    try:
        return _ended(words)
    finally:
        close_shared()


def _open_missing() -> None:
    """Of a stream that our caller has closed nothing comes, and what goes there goes nowhere."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode, encoding="utf-8"))  # noqa: SIM115 - to the end


def _ended(words: list[str]) -> int:
    """Runs it; the exit status, which is the verb's only if all that it said has gone out."""
    try:
        status = _status(words)
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read us has gone (`yima … | head`)
        _forget_output()
        return NO.number
    except OSError as error:
        if error.errno not in _NO_ROOM:
            return _refused(error)
        _forget_output()
        problem = Text(f"cannot be written ({error.strerror})", f"无法写入（{error.strerror}）")
        remedy = Text("Make room there; what it holds is not whole", "请腾出空间；其内容不完整")
        return _said(OutputError(error.filename or "stdout", problem, remedy))
    return status


def _refused(error: OSError) -> int:
    """Where a verb says nothing of its own of a path that the system does not take. Without a path it is no question of
    what was named: then it goes on."""
    if not isinstance(error.filename, str | bytes | os.PathLike):
        raise error
    said = error.strerror or type(error).__name__
    problem = Text(f"cannot be used: {said}", f"无法使用：{said}")
    remedy = Text("Check the path, what lies there, and its permissions", "请检查路径、该处内容及其权限")
    return _said(PathError(os.fsdecode(error.filename), problem, remedy))


def _status(words: list[str]) -> int:
    try:
        return _run(words)
    except SystemExit as stopped:  # argparse has said why
        return stopped.code if isinstance(stopped.code, int) else 2
    except YimaError as error:
        return _said(error)
    except KeyboardInterrupt:
        return INTERRUPTED.number


def _forget_output() -> None:
    """The interpreter must not complain at exit of what it could not write. A stream in memory, which whoever calls us
    in a process of theirs may have put there, has no descriptor, and nothing to complain of."""
    with suppress(OSError, ValueError):
        descriptor = sys.stdout.fileno()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _said(error: YimaError) -> int:
    shared_writer(sys.stderr).write(f"yima: {error}")
    return status_of(error)


def _run(words: list[str]) -> int:
    verbs = {entry.name: entry for entry in sorted(entry_points(group=_GROUP), key=lambda entry: entry.name)}
    if not words or words[0] in ("-h", "--help", "help"):
        print(_overview(verbs))
        return 0
    if words[0] == "--version":
        print(f"yima {VERSION}")
        return 0
    name = words[0]
    if name not in verbs:
        known = ", ".join(verbs)
        raise CommandError(name, Text("no such verb", "没有此命令"), Text(f"Verbs: {known}", f"可用命令：{known}"))
    try:
        verb = _load(verbs[name])
        parser = Parser(prog=f"yima {name}", description=verb.HELP)
        verb.add_arguments(parser)
        parser.formatter_class = argparse.RawDescriptionHelpFormatter
        parser.epilog = "\n".join(filter(None, (parser.epilog, epilog())))
        return verb.run(parser.parse_args(words[1:]))
    except ModuleNotFoundError as missing:
        raise _missing(verbs[name], missing) from missing


def _load(entry: EntryPoint) -> Verb:
    return cast(Verb, entry.load())


def _overview(verbs: dict[str, EntryPoint]) -> str:
    width = max(map(len, verbs), default=0) + 2
    lines = ["usage: yima [--version] VERB …    (yima VERB --help 查看各命令的用法)", ""]
    for name, entry in verbs.items():
        try:
            help_text = _load(entry).HELP
        except ModuleNotFoundError as missing:
            help_text = f"({_missing(entry, missing)})"
        lines.append(f"  {name:{width}}{help_text}")
    return "\n".join(lines)


def _missing(verb: EntryPoint, missing: ModuleNotFoundError) -> CommandError:
    # A verb that has an extra of its own name needs that one, of several that bring the module.
    asked_by = verb.dist.name if verb.dist else ""
    return CommandError(f"yima {verb.name}", *missing_module(missing, wanted=[verb.name], asked_by=asked_by))


if __name__ == "__main__":
    sys.exit(main())
