"""The deny-list of national size, looked up in place."""

from yima.validator.deny.denylist import DenyList

__all__ = ["DenyList"]
