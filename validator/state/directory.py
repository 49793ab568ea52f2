"""The device's state directory: who it is, its key, its journal.

    device        its name, one line, made at the first start
    device.key    its Ed25519 key (0600), made at the first start
    device.lock   held while these two are made
    journal/      the journal: segments, cursor, quarantine, lock
    journal.db    a journal of the form before, as long as the collector lacks something of it

The directory is its owner's alone (see `safety`), and the device's identity: copying it makes two devices of one name,
which the collector will notice.
"""

import secrets
import time
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from yima.validator.errors import JournalError
from yima.validator.journal import JournalView, SegmentJournal
from yima.validator.journal.archiving import joined
from yima.validator.journal.files import FolderFiles
from yima.validator.journal.older import OlderJournal
from yima.validator.journal.salvage import Salvage
from yima.validator.journal.trouble import explained
from yima.validator.ports import DEVICE
from yima.validator.state.keys import DeviceKey
from yima.validator.state.safety import refuse_shared
from yima.validator.system.disk import write_whole
from yima.validator.system.locks import in_turn
from yima.validator.texts import Text

JOURNAL, OLDER_JOURNAL, KEY_FILE, LOCK = "journal", "journal.db", "device.key", "device.lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceState:
    """An opened state directory."""

    directory: Path
    device: str
    key: DeviceKey

    @classmethod
    def open(cls, directory: Path, device: str | None = None) -> "DeviceState":
        """Opens the directory, or makes it, for the device of that name (None: whose it is, or a new name).

        Raises JournalError or UplinkError: cannot be made or written, belongs to another device, unreadable key.
        """
        name_file, key_file = directory / "device", directory / KEY_FILE
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            refuse_shared(directory)
            is_whole = name_file.exists() and key_file.exists()
            for path in (name_file, key_file, directory / JOURNAL):
                if path.is_symlink() and not path.exists():
                    raise _leads_nowhere(path)
            # Two that start at once in an empty directory would leave the name of one beside the journal of the other.
            with nullcontext() if is_whole else in_turn(directory / LOCK):
                stored = name_file.read_text(encoding="utf-8")[:128].strip() if name_file.exists() else None
                if stored is None:
                    stored = device or f"yima-{secrets.token_hex(4)}"
                    _check(stored, directory)
                    write_whole(name_file, f"{stored}\n".encode())
                _check(stored, name_file)
                if device is not None and device != stored:
                    raise JournalError(
                        directory,
                        Text(f"belongs to device {stored}, not to {device}", f"属于设备 {stored}，而不是 {device}"),
                        Text("Leave --device out, or give another --state", "请去掉 --device，或另选 --state"),
                    )
                return cls(directory=directory, device=stored, key=DeviceKey.load_or_create(key_file))
        except (OSError, UnicodeDecodeError) as error:
            why = error.strerror if isinstance(error, OSError) else "the device's name is not text"
            raise JournalError(
                directory,
                Text(f"cannot be used as state directory: {why}", f"无法用作状态目录：{why}"),
                Text("Give --state a directory that this user may write", "请为 --state 指定当前用户可写的目录"),
            ) from error

    @property
    def key_file(self) -> Path:
        """Where its key lies."""
        return self.directory / KEY_FILE

    def open_journal(self, *, max_bytes: int | None = None, keep_s: int | None = None) -> SegmentJournal:
        """The journal, to write; see SegmentJournal. Raises JournalError."""
        folder = self.directory / JOURNAL
        return SegmentJournal(folder, self.device, epoch_for_new=new_epoch(), max_bytes=max_bytes, keep_s=keep_s)

    def open_older_journal(self) -> OlderJournal | None:
        """What a journal of the form before still holds; to be called by whoever has the journal open. JournalError."""
        path = self.directory / OLDER_JOURNAL
        return OlderJournal(path, self.device) if path.exists() else None


def look_at_journal(directory: Path, archive: Path | None = None) -> JournalView:
    """The journal in a state directory, to read; a device may be writing it. archive: with what of it was put there.

    Raises JournalError.
    """
    return JournalView.open(directory / JOURNAL, archive)


def salvage_journal(directory: Path, archive: Path | None = None) -> Salvage:
    """What can be read of that journal, whatever has happened to it. Raises JournalError."""
    folder = directory / JOURNAL
    with explained(folder):
        journal = Salvage(FolderFiles(folder))
        return journal if archive is None else Salvage(joined(folder, archive, journal.device, journal.epoch))


def new_epoch() -> int:
    """A name for a new journal: unix seconds << 16 | 16 random bits, so that a wrong clock alone repeats none."""
    return int(time.time()) << 16 | secrets.randbits(16)


def _leads_nowhere(path: Path) -> JournalError:
    """A disk that is not mounted, say: a new name or key in its place would make another device of this one."""
    return JournalError(
        path,
        Text(f"is a link, and nothing is at {path.readlink()}", f"是链接，而 {path.readlink()} 不存在"),
        Text(
            "Mount the disk where that lies; or remove the link, and it is made anew",
            "请挂载其所在的磁盘；或删除该链接以重新生成",
        ),
    )


def _check(device: str, where: Path) -> None:
    if not DEVICE.fullmatch(device):
        raise JournalError(
            where,
            Text(f"{device[:80]!r} is no name for a device", f"{device[:80]!r} 不能作为设备编号"),
            Text(
                "Use 1 to 64 letters, digits, dots, dashes, underscores",
                "请使用 1 至 64 个字母、数字、点、连字符或下划线",
            ),
        )
