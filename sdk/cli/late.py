"""A verb among many, whose module is imported when the verb is asked for, and not for its neighbours' sake."""

import argparse
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from yima.sdk.cli.usage import Parser


class LateParser(Parser):
    """Declares its arguments when it is to parse. Raises ModuleNotFoundError then, where the module lacks another."""

    _late: str | None = None

    def declared_by(self, module: str) -> None:
        """The module whose `add_arguments` declares them."""
        self._late = module

    def declare(self) -> None:
        """Now; a second time does nothing."""
        late, self._late = self._late, None
        if late is not None:
            import_module(late).add_arguments(self)

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[Any, list[str]]:
        """As argparse does it."""
        self.declare()
        return super().parse_known_args(args, namespace)
