"""The `yima` command: finds the verb, runs it, and turns what went wrong into one line and an exit status.

Rules:
- Verbs are entry points of the group `yima.commands`: modules with HELP, add_arguments(parser) and run(arguments) ->
  exit status. Only the verb that is asked for is imported.
- Exit status: the verb's own; for whatever an engineer can mend (YimaError), said in one line on stderr, by its kind;
  130 after Ctrl-C. The table is in `exit_status`, and at the end of every verb's `--help`.
- No secret of an address leaves by an error of argparse either.
"""

import argparse
import io
import os
import sys
from collections.abc import Sequence
from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, cast

from yima.sdk.cli.exit_status import epilog, status_of
from yima.sdk.cli.usage import Parser
from yima.validator.errors import Kind, YimaError
from yima.validator.guarding.lines import close_shared, shared_writer
from yima.validator.remedies import missing_module
from yima.validator.texts import Text
from yima.validator.version import VERSION

_GROUP = "yima.commands"


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


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command line (without the program's name); returns its exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a locale without Chinese gets escapes, not a traceback
    try:
        status = _run(words)
        sys.stdout.flush()
    except SystemExit as stopped:  # argparse has said why
        return stopped.code if isinstance(stopped.code, int) else 2
    except YimaError as error:
        shared_writer(sys.stderr).write(f"yima: {error}")
        return status_of(error)
    except BrokenPipeError:
        # Whoever read us has gone (`yima … | head`); the interpreter must not complain again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        close_shared()
    return status


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
    lines = ["usage: yima [--version] VERB …    (yima VERB --help 查看各命令的用法)", ""]
    for name, entry in verbs.items():
        try:
            help_text = _load(entry).HELP
        except ModuleNotFoundError as missing:
            help_text = f"({_missing(entry, missing)})"
        lines.append(f"  {name:10}{help_text}")
    return "\n".join(lines)


def _missing(verb: EntryPoint, missing: ModuleNotFoundError) -> CommandError:
    # A verb that has an extra of its own name needs that one, of several that bring the module.
    asked_by = verb.dist.name if verb.dist else ""
    return CommandError(f"yima {verb.name}", *missing_module(missing, wanted=[verb.name], asked_by=asked_by))


if __name__ == "__main__":
    sys.exit(main())
