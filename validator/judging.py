"""The typed Python face of the core: Validator, Verdict, Reason.

Rules it keeps:
- The core judges; nothing here decides anything about a code.
- `Reason` is made from the core's own table, so there is no second list to keep.
- Values are frozen; a Verdict may be kept, compared and logged (accounts come out masked).
"""
