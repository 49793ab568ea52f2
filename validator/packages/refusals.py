"""What a store of packages says when it keeps one not, or no longer: the errors that its own rules make."""

from yima.validator.errors import ParametersError
from yima.validator.packages import Package, PackageError, when
from yima.validator.texts import Text


class NotNowError(ParametersError):
    """A package that was not taken for a reason that passes: it may be given again."""


class NoPlaceError(NotNowError):
    """A package for which there is no place among those that wait; another may find one, or need none."""


class MissingError(NotNowError):
    """A file that a publication names and does not hold yet, or no longer; what is there need not wait for it."""


def replaced(package: Package, by: Package) -> PackageError:
    """One that waits has a higher version and replaces it."""
    return PackageError(
        package.source,
        "OLDER",
        Text(f"version {by.version}, which waits, replaces it", f"等待中的版本 {by.version} 已取代它"),
    )


def too_late(package: Package, active: Package) -> PackageError:
    """Its time began before that of the one in force."""
    began = when(active.not_before)
    return PackageError(
        package.source,
        "OLDER",
        Text(
            f"its time begins before {began}, when version {active.version}, which is in force, began: it was for the"
            " time before; a package that is to end it says replaces",
            f"其生效时间早于现行版本 {active.version} 的 {began}，只适用于此前；如需取代，请在包内声明 replaces",
        ),
    )


def too_many(package: Package, most: int) -> NoPlaceError:
    """No more can wait."""
    return NoPlaceError(
        package.source,
        Text(f"{most} packages wait already", f"已有 {most} 个参数包在等待"),
        Text(
            "Give it when one of them has come into force, or say in it that it replaces them",
            "请待其中之一生效后再提供，或在包内声明取代它们",
        ),
    )


def hopeless(package: Package, error: ParametersError) -> ParametersError:
    """One that waited may not follow what is in force now."""
    return ParametersError(
        f"{package.source}, version {package.version}",
        Text(f"waited, and is given up: {error.problem.en}", f"等待中的参数包已放弃：{error.problem.zh}"),
        error.remedy,
    )


def rotten(where: object, error: OSError | ParametersError) -> ParametersError:
    """What was in force cannot be read any more."""
    return ParametersError(
        where,
        Text(f"a package that was in force cannot be used: {error}", f"曾启用的参数包无法使用：{error}"),
        Text("Check the disk, and give the newest package again", "请检查磁盘，并重新提供最新的参数包"),
    )


def unusable(where: object, error: OSError) -> NotNowError:
    """The disk fails."""
    return NotNowError(
        where,
        Text(f"packages cannot be kept there: {error.strerror}", f"无法保存参数包：{error.strerror}"),
        Text(
            "Check that the disk is sound, not full, and writable for this user",
            "请检查磁盘是否完好、未满且当前用户可写",
        ),
    )


def untrusted_clock(where: object) -> NotNowError:
    """Nobody knows whether its time has come."""
    return NotNowError(
        where,
        Text("cannot be activated: the clock is not trusted", "无法启用：系统时钟不可信"),
        Text("Set the clock, or say --trust-clock if it is right", "请校准时钟；确认无误可加 --trust-clock"),
    )


def not_taken_yet(where: object) -> NotNowError:
    """The device was never between two taps."""
    return NotNowError(
        where,
        Text("was not taken in time", "未能及时启用"),
        Text("It is given again", "将再次提供"),
    )
