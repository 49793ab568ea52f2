"""The publication as a folder: `www/` is what any web server gives out, the rest is the centre's own.

proposals/<release>.json    proposed, perhaps approved
proposals/<package>.ymp     their packages
plans/<release>.json        how a published release is to spread, and what became of it
www/index.json              the index; replaced whole
www/releases/<release>.json, www/packages/<package>.ymp     never changed, so a cache may keep them for ever
www/packages/<package>.manifest, www/parts/<digest>         of packages in parts: what devices pull instead; as lasting
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path

from yima.sdk.centre.packages.releases import check_answered_for, check_words, signed
from yima.sdk.parameters.parts import images_in, manifest_of
from yima.sdk.sm2 import SigningKey
from yima.validator import _core
from yima.validator.outside import json_of
from yima.validator.packages import Chain, Package, read_package
from yima.validator.packages.publication import (
    DOCUMENT_MAX,
    INDEX,
    PUBLISHED,
    RELEASE,
    RELEASES_MOST,
    WHOLE,
    Document,
    Index,
    Offer,
    PublicationError,
    Release,
    parse_document,
    read_index,
    read_release,
)
from yima.validator.system.disk import write_whole
from yima.validator.system.locks import in_turn
from yima.validator.texts import Text

VALID_S = 86400
"""How long an index holds; `watch` renews it long before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How a release spreads. steps: shares of 10000, one after the other; hold_s: how long each is looked at, with at
    least `taps` taps. digests: the first 16 bytes of SM3 over each image of the package, which taps name, in hex.
    began, since: when it was published, and since when the step holds, unix seconds. place: of the store,
    behind which the taps of the step come. stopped: why, "" while it spreads.
    """

    steps: tuple[int, ...]
    hold_s: int
    taps: int
    digests: tuple[str, ...]
    began: int
    since: int
    step: int = 0
    place: int = 0
    stopped: str = ""

    @property
    def share(self) -> int:
        """How many of 10000 take it now."""
        return 0 if self.stopped else self.steps[self.step]

    @property
    def is_done(self) -> bool:
        """Whether everybody it is for takes it."""
        return not self.stopped and self.step == len(self.steps) - 1


class Folder:
    """A publication's folder at `path`. Raises PublicationError throughout; one process changes it at a time, and what
    it cannot sign so that every device reads it changes nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.www = path / "www"

    def add(self, document: Document, package: Package | None = None) -> None:
        """Keeps a proposal, and its package. What others have signed under it stays, whoever came meanwhile; of each
        key the first signature counts."""
        read_release(parse_document(document.to_bytes(), RELEASE))  # one that cannot be read would hide all the others
        if package:
            self._write(self.path / "proposals" / f"{read_release(document).package}.ymp", bytes(package.data))
        path = self.path / "proposals" / f"{document.id}.json"
        with self._in_turn():
            if path.exists():
                there = parse_document(self._read(path), RELEASE).signatures
                keys = {one.key for one in there}
                more = tuple(one for one in document.signatures if one.key not in keys)
                document = replace(document, signatures=there + more)
                parse_document(document.to_bytes(), RELEASE)
            self._write(path, document.to_bytes())

    def proposal(self, name: str) -> Document:
        """A proposal by its name, or as much of the name's beginning as is enough."""
        found = sorted((self.path / "proposals").glob(f"{name}*.json")) if name.isalnum() else []
        if len(found) != 1:
            raise _trouble(
                name, f"names {len(found)} proposals", f"对应 {len(found)} 个提案",
                Text("Give more of its id; yima centre packages list", "请给出更完整的编号"),
            )  # fmt: skip
        return parse_document(self._read(found[0]), RELEASE)

    def package_of(self, document: Document) -> Package:
        """The package of a proposal."""
        return read_package(self.path / "proposals" / f"{read_release(document).package}.ymp")

    def publish(
        self, document: Document, key: SigningKey, now: int, *, steps: tuple[int, ...], hold_s: int, taps: int
    ) -> None:
        """Gives a release to the first share of those it is for. key: the publisher's that it names."""
        package = self.package_of(document)
        release = check_answered_for(document, package)
        _check_publisher(release, key)
        if release.chain is Chain.DENY and len(steps) > 1 and taps:
            raise _trouble(
                "--taps", "cannot be counted under a deny-list: no tap names it, and no step would end",
                "无法按黑名单统计刷码次数：刷码记录不含黑名单摘要，每一步都不会结束",
                Text("Give --taps 0, so time alone counts, or no --steps", "请用 --taps 0 按时间放量，或不用 --steps"),
            )  # fmt: skip
        if document.id in self.plans():
            raise _published_already(document.id)
        self._write(self.www / "packages" / f"{release.package}.ymp", bytes(package.data))
        if package.parts:
            manifest, files = manifest_of(package)
            for name, content in files.items():
                self._write(self.www / "parts" / name, content)
            self._write(self.www / "packages" / f"{release.package}.manifest", manifest.to_bytes())
        self._write(self.www / "releases" / f"{document.id}.json", document.to_bytes())
        digests = tuple(_core.sm3(image)[:16].hex() for image in images_in(package))
        plan = Plan(steps=steps, hold_s=hold_s, taps=taps, digests=digests, began=now, since=now)
        with self._in_turn():
            plans = self.plans()
            if document.id in plans:  # somebody else published it meanwhile
                raise _published_already(document.id)
            self._put(plans, {document.id: plan}, key, now)

    def steer(self, changes: Mapping[str, Callable[[Plan], Plan]], key: SigningKey, now: int) -> None:
        """Changes plans of what is published and signs the index anew, with the next number. key: the publisher's that
        the newest of all published releases names."""
        with self._in_turn():
            plans = self.plans()
            for name in changes.keys() - plans.keys():
                raise _trouble(
                    name, "is not published", "尚未发布",
                    Text("Publish it first: yima centre packages publish", "请先执行 yima centre packages publish"),
                )  # fmt: skip
            if plans:
                newest, _ = max(plans.items(), key=_by_time)
                release = read_release(parse_document(self._read(self.www / "releases" / f"{newest}.json"), RELEASE))
                _check_publisher(release, key)
            self._put(plans, {name: change(plans[name]) for name, change in changes.items()}, key, now)

    def _put(self, plans: dict[str, Plan], changed: dict[str, Plan], key: SigningKey, now: int) -> None:
        """Writes plans, then the index that follows from all of them. Nothing is written if no device could read it."""
        before = self.index()
        index = Index(number=(before.number if before else 0) + 1, until=now + VALID_S, offers=_offers(plans | changed))
        document = signed(
            Document(kind=INDEX, statement=index.statement(), signatures=()), PUBLISHED, "publisher", now, key
        )
        content = document.to_bytes()
        read_index(parse_document(content, INDEX))
        for name, plan in changed.items():
            plan_as_json = json.dumps(asdict(plan), indent=1, ensure_ascii=False)
            self._write(self.path / "plans" / f"{name}.json", plan_as_json.encode())
        self._write(self.www / "index.json", content)

    def is_behind(self) -> bool:
        """Whether the index says something else than the plans: who changed them was cut off before it was signed."""
        plans, index = self.plans(), self.index()
        return bool(plans) and (index is None or index.offers != _offers(plans))

    @contextmanager
    def _in_turn(self) -> Iterator[None]:
        with ExitStack() as turn:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                turn.enter_context(in_turn(self.path / "lock"))
            except OSError as error:
                raise _unwritable(self.path, error) from error
            yield

    def index(self) -> Index | None:
        """What is published; None: nothing yet."""
        path = self.www / "index.json"
        return read_index(parse_document(self._read(path), INDEX)) if path.exists() else None

    def plans(self) -> dict[str, Plan]:
        """How each published release spreads, by its id."""
        found = {}
        for path in sorted((self.path / "plans").glob("*.json")):
            try:
                found[path.stem] = _plan(json_of(self._read(path)))
            except ValueError as error:
                raise _trouble(path, f"is no plan ({error})", f"不是发布计划（{error}）", _REMEDY) from error
        return found

    def releases(self) -> dict[str, tuple[Release, Document]]:
        """Every proposal by its id, published or not."""
        documents = [
            parse_document(self._read(path), RELEASE) for path in sorted((self.path / "proposals").glob("*.json"))
        ]
        return {document.id: (read_release(document), document) for document in documents}

    def _read(self, path: Path) -> bytes:
        try:
            return path.read_bytes()
        except OSError as error:
            raise _trouble(path, f"cannot be read: {error.strerror}", f"无法读取：{error.strerror}", _REMEDY) from error

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            is_public = self.www in path.parents  # the web server is somebody else, and nothing there is secret
            write_whole(path, content, 0o644 if is_public else 0o600)
            if is_public:
                path.chmod(0o644)  # also where the mask takes its part
        except OSError as error:
            raise _unwritable(path, error) from error


_REST = 1000  # bytes of the index's file beside its statement, and of its numbers
_REMEDY = Text("Check the folder and its permissions", "请检查文件夹及权限")


def _plan(content: object) -> Plan:
    """A plan as `steer` writes it. Raises ValueError."""
    if not isinstance(content, dict) or set(content) != {field.name for field in fields(Plan)}:
        raise ValueError("other members than a plan has")
    steps, digests = content["steps"], content["digests"]
    numbers = [content[name] for name in ("hold_s", "taps", "began", "since", "step", "place")]
    if not (_all(int, steps) and _all(int, numbers) and _all(str, digests) and isinstance(content["stopped"], str)):
        raise ValueError("members of another kind")
    if not all(0 <= share <= WHOLE for share in steps) or not 0 <= content["step"] < len(steps):
        raise ValueError("shares or a step that cannot be")
    return Plan(**(content | {"steps": tuple(steps), "digests": tuple(digests)}))


def _all(kind: type, values: object) -> bool:
    return isinstance(values, list) and all(type(value) is kind for value in values)


def _by_time(row: tuple[str, Plan]) -> tuple[int, str]:
    return row[1].began, row[0]


def next_step(plan: Plan, now: int, place: int) -> Plan:
    """The plan one step on. place: of the store, from which on its taps are counted."""
    return replace(plan, step=min(plan.step + 1, len(plan.steps) - 1), since=now, place=place)


def stopped(plan: Plan, why: str) -> Plan:
    """The plan, stopped. Raises PublicationError for what the index cannot say."""
    check_words("--why", why, 1000)
    return replace(plan, stopped=why)


def _offers(plans: Mapping[str, Plan]) -> tuple[Offer, ...]:
    """What the index says of these plans, oldest first. Of more than it may hold the oldest that are stopped are left
    out: no device takes them either way. Raises PublicationError where that is not enough."""
    rows = sorted(plans.items(), key=_by_time)
    while True:
        offers = tuple(Offer(name, plan.share, plan.stopped) for name, plan in rows)
        statement = Index(number=0, until=0, offers=offers).statement().decode("ascii")
        if len(rows) <= RELEASES_MOST and len(json.dumps(statement)) <= DOCUMENT_MAX - _REST:
            return offers
        oldest = next((row for row in rows if row[1].stopped), None)
        if oldest is None:
            raise _trouble(
                "the index",
                f"has no room for more than {RELEASES_MOST} releases that are not stopped",
                f"未停止的发布最多 {RELEASES_MOST} 个",
                Text(
                    "Stop those that no device needs any more: yima centre packages stop",
                    "请停止终端不再需要的发布：yima centre packages stop",
                ),
            )
        rows.remove(oldest)


def _check_publisher(release: Release, key: SigningKey) -> None:
    if release.publisher != key.compressed:
        raise _trouble(
            "--key", "is not the publisher's key that the release names", "不是发布说明所列的发布方密钥",
            Text("Sign with that key", "请使用该密钥签名"),
        )  # fmt: skip


def _published_already(name: str) -> PublicationError:
    return _trouble(name, "is published already", "已发布", Text("Change its share", "请调整其份额"))


def _unwritable(path: Path, error: OSError) -> PublicationError:
    return _trouble(path, f"cannot be written: {error.strerror}", f"无法写入：{error.strerror}", _REMEDY)


def _trouble(thing: object, en: str, zh: str, remedy: Text) -> PublicationError:
    return PublicationError(thing, Text(en, zh), remedy)
