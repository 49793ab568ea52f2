"""`yima completion`: a shell's completion of the verbs, their options and the files they take."""

import argparse
from collections.abc import Iterator
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path

import shtab

from yima.sdk.cli.late import LateParser

HELP = "print completion for bash or zsh 输出 bash 或 zsh 的补全脚本"

EXAMPLES = """\
examples 示例:
  eval "$(yima completion bash)"                               this shell 仅当前 shell
  yima completion bash > ~/.local/share/bash-completion/completions/yima
  yima completion zsh > ~/.zfunc/_yima                         a folder of $fpath, before compinit 须先于 compinit
A verb whose extra is not installed has no options until it is. 未安装组件的命令暂无选项补全
"""
_PLACES = ("file", "files", "directory", "source", "spec")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """bash | zsh"""
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument("shell", choices=("bash", "zsh"), help="for which shell 目标 shell")


def run(arguments: argparse.Namespace) -> int:
    """Prints the script; 0."""
    print(shtab.complete(_whole_parser(), arguments.shell))
    return 0


def _whole_parser() -> argparse.ArgumentParser:
    """Every verb in one parser, which the command itself never builds: it imports only the verb that is asked for."""
    parser = argparse.ArgumentParser(prog="yima")
    parser.add_argument("--version", action="store_true", help="the version 版本")
    verbs = parser.add_subparsers()
    for entry in sorted(entry_points(group="yima.commands"), key=lambda entry: entry.name):
        try:
            verb = entry.load()
            verb.add_arguments(verbs.add_parser(entry.name, help=verb.HELP))
        except ModuleNotFoundError:
            if entry.name not in verbs.choices:
                verbs.add_parser(entry.name)
    for action in _actions(parser):
        if action.type is Path or action.dest in _PLACES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return parser


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                if isinstance(inner, LateParser):
                    with suppress(ModuleNotFoundError):
                        inner.declare()
                yield from _actions(inner)
