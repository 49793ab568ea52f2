"""Whose certificate a device shows: beside the signature under each batch, never in its place.

A certificate of another name sends nothing in this one's; one that was revoked or has ended sends nothing at all, also
over a connection that was made before.
"""

import time
from collections.abc import Callable
from typing import Any

from yima.sdk.tls import Shown, Tls

Allowed = Callable[[str], str]
"""Asked for a device's name; why it may not send here, empty: it may."""


class Certificates:
    """What a collector asks of them. tls: None: it speaks plain HTTP, and asks nothing. is_required: a device without
    one is refused."""

    def __init__(self, tls: Tls | None = None, *, is_required: bool = False) -> None:
        self._tls, self._is_required = tls, is_required

    def allowed(self, scope: Any) -> Allowed:
        """For a request."""
        shown = scope.get("state", {}).get("certificate")
        return lambda device: self._why_not(shown, device)

    def _why_not(self, shown: Shown | None, device: str) -> str:
        if self._tls is None or (shown is None and not self._is_required):
            return ""
        if shown is None:
            return f"device {device} shows no certificate: begin it with --client-certificate"
        if shown.name != device:
            return f"the certificate is that of {shown.name!r}, the batch of {device}"
        if self._tls.is_revoked(shown):
            return f"the certificate of {device} is revoked"
        if shown.until < time.time():
            return f"the certificate of {device} has ended"
        return ""
