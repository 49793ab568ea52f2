"""Who a device is and what it keeps: its state `directory` with name, key and journal."""

from yima.validator.state.directory import JOURNAL, DeviceState, look_at_journal, salvage_journal

__all__ = ["JOURNAL", "DeviceState", "look_at_journal", "salvage_journal"]
