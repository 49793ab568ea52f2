"""Pulling packages from a publication: what to fetch, whom to believe, when to ask again. No thread, no socket.

Rules it keeps:
- The transport is not trusted: an index, a release and a package are each believed for their signatures alone; sizes
  are those that the signed documents say, and nothing larger is taken.
- The number of a believed publisher's index never goes back, also after a restart; one that is over is not gone by.
- One release after the other, by version: who signs the next is known only when the one before is in force.
- A device that says where it stands pulls its own part of a package in parts: the manifest, and of the parts that it
  needs those that it does not hold already, each by its digest. What is not in parts it pulls whole, and also where the
  parts that the manifest names are not there or not those of its place: nobody signs the manifest.
- What was cut is resumed where it was cut. What is refused is told once and tried again after an hour: signatures and
  the head of an image may be the transport's doing. So is what finds no place among those that wait; it holds up none
  behind it, which may be the urgent one that replaces them.
- A package whose file the web server lacks holds up those behind it of its own chain, since they may build on it, and
  nothing of the other: fares that were copied by half keep no deny-list away.
- Of releases little is kept, of an index that nobody believed signs few are fetched: a stranger fills no memory.
- Devices ask at different moments: each wait is spread by a quarter.
"""

import random
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from yima.validator.errors import ParametersError
from yima.validator.judging import Moment
from yima.validator.packages import Chain, Trust, image_is_intact, parse_package
from yima.validator.packages.publication import (
    INDEX,
    PUBLISHED,
    RELEASE,
    Document,
    Index,
    Place,
    PublicationError,
    Release,
    check_release,
    lot,
    parse_document,
    read_index,
    read_release,
)
from yima.validator.packages.refusals import MissingError, NoPlaceError, NotNowError, untrusted_clock, unusable
from yima.validator.parameters import sections
from yima.validator.parameters.own_part import Manifest, Part, Spot, chosen, held, parse_manifest, row_of, suits
from yima.validator.parameters.sections import Image
from yima.validator.system.disk import write_whole
from yima.validator.texts import Text

EVERY_S = 40.0
"""Seconds between two questions, about: with the spread at most 50, so that an urgent package is there in a minute."""
WAIT_MAX_S = 600.0
REFUSED_MS = 3_600_000
"""How long what the device refused is left alone."""
STRANGE_MOST = 16 << 20
"""Bytes of releases that one question fetches for an index that no believed publisher has signed."""
_PART = "part"
_STATE = "publication"


class Fetched(NamedTuple):
    """An answer. content: None where nothing changed (304). etag: "" where there is none."""

    content: bytes | None
    etag: str = ""


class Fetch(Protocol):
    """Gets files from the publication."""

    def document(self, path: str, etag: str) -> Fetched:
        """A small file, at most publication.DOCUMENT_MAX bytes; etag: of what is known. Raises ParametersError."""

    def package(self, path: str, size: int, into: Path) -> None:
        """A package of `size` bytes into a file, on from what the file holds. Raises ParametersError; what has come
        stays in the file."""


class Holding(Protocol):
    """What the device has of one chain, as of now; asked on the puller's thread."""

    @property
    def trust(self) -> Trust:
        """Whom a package must satisfy."""

    def has(self, version: int) -> bool:
        """Whether that version was in force, waits, or lies behind."""

    def images(self) -> Sequence[Image]:
        """What is in force and what waits: parts of it need not be fetched again."""

    def give(self, data: bytes, source: str) -> None:
        """Hands over a package and returns when it was taken. Raises ParametersError when it was not."""


@dataclass(slots=True)
class _Known:
    """What the last index was. is_believed: a publisher whom a believed release names has signed it."""

    etag: str = ""
    document: Document | None = None
    index: Index | None = None
    is_believed: bool = False


class _Named(NamedTuple):
    """What a release says that the newest index names, for as long as it does."""

    chain: Chain
    version: int
    is_for: bool


class Puller:
    """Asks one publication for one device. chains: what it has of parameters, and of deny-lists if it takes them.
    directory: of its own, for what is half fetched and the number of the newest index. spot: where it stands; None, it
    takes packages whole. roll: a random number in [0, 1).
    """

    def __init__(
        self,
        fetch: Fetch,
        directory: Path,
        place: Place,
        chains: dict[Chain, Holding],
        *,
        spot: Spot | None = None,
        roll: Callable[[], float] = random.random,
    ) -> None:
        self._spot = spot
        self._fetch, self._directory, self._place, self._chains = fetch, directory, place, chains
        self._roll = roll
        self._known = _Known()
        self._seen = self._read_seen()  # the highest number by publisher, of those that were believed
        self._releases: dict[str, _Named] = {}
        self._fetched_of_releases = 0  # bytes, by this question
        self._refused: dict[str, int] = {}  # when it may be tried again, by the device's tick
        self._said: dict[str, str] = {}  # why a release was not taken
        self._failures = 0
        self._told = ""
        self._lacking: set[Chain] = set()  # of which the web server has no file that it should, by this question

    def serve(self, chain: Chain, holding: Holding) -> None:
        """Pulls for this chain too."""
        self._chains[chain] = holding

    def wait_s(self) -> float:
        """Seconds until the next question."""
        wait = min(EVERY_S * 2.0 ** min(self._failures, 8), WAIT_MAX_S)
        return wait * (0.75 + 0.5 * self._roll())

    def step(self, now: Moment, tell: Callable[[ParametersError], None]) -> int:
        """Asks once, and takes what is for this device; how many packages were taken. Trouble is told, each once."""
        try:
            index = self._index(now)
            taken = self._take_all(index, now, tell) if index else 0
        except ParametersError as error:
            self._failures += 1
            if str(error) != self._told:
                tell(error)
            self._told = str(error)
            return 0
        self._failures, self._told = self._failures + 1 if self._lacking else 0, ""
        return taken

    def _index(self, now: Moment) -> Index | None:
        """What is published now; None where it has been dealt with."""
        known = self._known
        try:
            fetched = self._fetch.document("index.json", known.etag)
        except ParametersError:
            known.etag = ""  # the server may be one that does not bear it
            raise
        if fetched.content is not None:
            document = parse_document(fetched.content, INDEX)
            index = read_index(document)
            believed = document.signers([bytes.fromhex(key) for key in self._seen], (PUBLISHED,))
            for key in believed:
                self._note(key, index.number)
            self._known = known = _Known(fetched.etag, document, index, bool(believed))
            names = {offer.release for offer in index.offers}
            for of_releases in (self._releases, self._refused, self._said):
                for gone in of_releases.keys() - names:
                    del of_releases[gone]
        if known.index is None:
            return None
        if now.trusted and now.unix_s >= known.index.until:
            raise _over()
        return known.index

    def _take_all(self, index: Index, now: Moment, tell: Callable[[ParametersError], None]) -> int:
        self._fetched_of_releases = 0
        self._lacking = set()
        wanted: list[tuple[int, str]] = []
        for name, share, _ in index.offers:
            if self._refused.get(name, 0) > now.tick_ms or lot(name, self._place.device) >= share:
                continue
            if name not in self._releases and self._is_enough():
                break
            if self._is_wanted(name):
                wanted.append((self._releases[name].version, name))
        if wanted and not now.trusted:
            raise untrusted_clock("the publication")
        taken = 0
        for _, name in sorted(wanted):
            if self._is_enough():
                break
            if self._releases[name].chain in self._lacking:
                continue
            try:
                self._take(name)
                taken += 1
                self._said.pop(name, None)
            except ParametersError as error:
                self._not_taken(name, error, now)
                if self._said.get(name) != str(error):
                    tell(error)
                self._said[name] = str(error)
        return taken

    def _not_taken(self, name: str, error: ParametersError, now: Moment) -> None:
        """What that means for what comes behind it. Raises the error where nothing can be taken now."""
        if isinstance(error, MissingError):
            self._lacking.add(self._releases[name].chain)
        elif isinstance(error, NotNowError) and not isinstance(error, NoPlaceError):
            raise error
        elif not isinstance(error, PublicationError):  # else other keys may be trusted, a copy be mended soon
            self._refused[name] = now.tick_ms + REFUSED_MS

    def _is_enough(self) -> bool:
        return self._fetched_of_releases >= STRANGE_MOST and not self._known.is_believed

    def _is_wanted(self, name: str) -> bool:
        if name not in self._releases:
            release = read_release(self._release(name))
            self._releases[name] = _Named(release.chain, release.version, release.is_for(self._place))
        chain, version, is_for = self._releases[name]
        holding = self._chains.get(chain)
        return is_for and holding is not None and not holding.has(version)

    def _release(self, name: str) -> Document:
        content = self._fetch.document(f"releases/{name}.json", "").content or b""
        self._fetched_of_releases += len(content)
        document = parse_document(content, RELEASE)
        if document.id != name:
            raise _other(name)
        return document

    def _take(self, name: str) -> None:
        assert self._known.document is not None
        assert self._known.index is not None
        holding = self._chains[self._releases[name].chain]
        release = check_release(self._release(name), holding.trust, self._known.document)
        self._note(release.publisher, self._known.index.number)
        self._known.is_believed = True
        try:
            manifest = self._manifest(release)
            data = b"" if manifest is None else self._own_part(release, manifest, holding)
            if not self._is_of(release, data):
                data = self._whole(release)
                if not self._is_of(release, data):
                    self._begin_anew()
                    raise _other(release.package)
            holding.give(data, f"packages/{release.package}.ymp")
            self._begin_anew()
        except PublicationError:
            raise
        except NotNowError:
            raise
        except ParametersError:
            self._begin_anew()
            raise
        except OSError as error:
            raise unusable(self._directory, error) from error

    def _is_of(self, release: Release, data: bytes) -> bool:
        """Whether this is the package of the release, with all that this place needs of it."""
        try:
            package = parse_package(data)
        except ParametersError:
            return False
        return (
            package.id.hex() == release.package
            and image_is_intact(package)
            and (self._spot is None or not package.parts or suits(package.image, package.parts, self._spot))
        )

    def _manifest(self, release: Release) -> Manifest | None:
        """None where the package is taken whole."""
        if self._spot is None or release.chain is not Chain.PARAMETERS:
            return None
        path = f"packages/{release.package}.manifest"
        try:
            return parse_manifest(self._fetch.document(path, "").content or b"", path)
        except ParametersError:  # not in parts; or nothing good can be fetched, as the next question will tell
            return None

    def _whole(self, release: Release) -> bytes:
        name = f"packages/{release.package}.ymp"
        return self._fetched(name, release.size, {release.package}, release.package)

    def _own_part(self, release: Release, manifest: Manifest, holding: Holding) -> bytes:
        assert self._spot is not None
        needed = chosen(manifest.parts, self._spot)
        contents = held(holding.images())
        missing = [part for part in needed if part.row not in contents]
        beside = {release.package, *(part.name for part in missing)}
        for part in missing:
            if part.size > release.size:
                raise _other(part.name)
            try:
                rows = self._fetched(f"parts/{part.name}", part.size, beside, part.name)
            except MissingError:
                return b""
            if not _is(part, rows):
                (self._directory / f"{part.name}.{_PART}").unlink()
                raise _other(part.name)
            contents[part.row] = rows
        return manifest.package(contents, needed)

    def _fetched(self, path: str, size: int, beside: Set[str], name: str) -> bytes:
        """A file of the publication, whole; what was fetched before of others than those `beside` it is given up."""
        into = self._directory / f"{name}.{_PART}"
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in self._directory.glob(f"*.{_PART}"):
            if old.stem not in beside:
                old.unlink()
        self._fetch.package(path, size, into)
        return into.read_bytes()

    def _begin_anew(self) -> None:
        """What was fetched is done with."""
        for old in self._directory.glob(f"*.{_PART}"):
            old.unlink()

    def _note(self, publisher: bytes, number: int) -> None:
        """The index of a believed publisher has this number. Raises PublicationError where it had a higher one."""
        key = publisher.hex()
        if number < self._seen.get(key, 0):
            raise _older(number, self._seen[key])
        if number == self._seen.get(key):
            return
        self._seen[key] = number
        lines = [f"{name} {highest}\n" for name, highest in self._seen.items()]
        try:
            self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_whole(self._directory / _STATE, "".join(lines).encode())
        except OSError as error:
            raise unusable(self._directory, error) from error

    def _read_seen(self) -> dict[str, int]:
        """A file that is gone or damaged is as if no publisher had been believed yet."""
        try:
            lines = (self._directory / _STATE).read_text("ascii").splitlines()
            return {
                key: int(number) for key, number in (line.split() for line in lines) if len(bytes.fromhex(key)) == 33
            }
        except (OSError, ValueError):
            return {}


def _is(part: Part, rows: bytes) -> bool:
    """Whether this is that part."""
    section = sections.BY_NUMBER.get(part.section)
    return section is not None and len(rows) % section.row_size == 0 and row_of(part.section, rows) == part.row


def _older(number: int, known: int) -> PublicationError:
    return PublicationError(
        "the index of the publication",
        Text(f"is number {number}, older than {known}, which was seen", f"序号 {number} 早于已见过的 {known}"),
        Text("Check the web server's copy, and that its cache asks again", "请检查服务器上的副本及其缓存"),
    )


def _over() -> PublicationError:
    return PublicationError(
        "the index of the publication",
        Text("is over: nobody has renewed it", "已过期：未续签"),
        Text("Run yima centre packages watch; check the clock", "请运行 yima centre packages watch，并检查时钟"),
    )


def _other(name: str) -> PublicationError:
    return PublicationError(
        name,
        Text("is another file than its name says", "内容与名称不符"),
        Text("Copy the publication's folder to the web server again", "请重新复制发布文件夹至服务器"),
    )
