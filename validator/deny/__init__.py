"""The deny-list of national size: looked up in place (`denylist`), and which one a device goes by (`activation`)."""

from validator.deny.denylist import DenyList

__all__ = ["DenyList"]
