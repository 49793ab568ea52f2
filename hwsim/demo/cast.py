"""Who is in the demonstration's world, and every trick a gate must see through.

Riders come from the cities of the Yangtze-delta profile; two more cities stand outside it, one of them joins next year.

Rules it keeps:
- Each act names the reason a correct validator gives, so that an act is its own test.
- Forgers forge as they could: they sign with keys they have and leave alone what they cannot sign.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

from yima.hwsim.demo.fares import SENIOR
from yima.sdk.issuer import Issuer, Rider, RootAuthority, make_issuer, make_rider, make_root
from yima.sdk.layouts import CODE
from yima.sdk.profiles.yangtze_delta import issuers
from yima.sdk.profiles.yangtze_delta.plan import City, load_plan
from yima.validator.judging import Reason
from yima.validator.parameters import Mode
from yima.validator.texts import Text

_DAY_S = 86400
_VALIDITY_S = 120


PLAN = load_plan()
NEXT_YEAR = City(division=321000, name=Text("Yangzhou", "扬州"))  # not in the plan; here it joins next January
OUTSIDE = City(division=320400, name=Text("Changzhou", "常州"))  # not in the plan
NOWHERE = City(division=0, name=Text("nowhere", "未知"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Institution:
    """An issuing institution on the whitelist; modes: where its codes ride."""

    city: City
    issuer: Issuer
    platform: str
    modes: tuple[Mode, ...] = (Mode.BUS, Mode.METRO)

    @property
    def organisation(self) -> str:
        """Field 6, 8 digits."""
        return self.issuer.issuer_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a phone. rider: their authorisation; None for somebody who shows something else. account: of it.

    station, entered_at: where and when (unix seconds) they entered the metro that they are about to leave.
    """

    name: Text
    city: City
    rider: Rider | None = None
    account: str = ""
    account_type: int = 0
    station: int = 0
    entered_at: int = 0

    @property
    def senior(self) -> bool:
        """Whether concessions for seniors are meant for them."""
        return self.account_type == SENIOR


@dataclass(frozen=True, slots=True, kw_only=True)
class Cast:
    """Everybody and everything that the script needs; see make_cast. codes: of the riders, those who are one person
    with a code of each of three cities."""

    roots: Sequence[RootAuthority]
    institutions: Sequence[Institution]
    riders: Sequence[Person]
    codes: Sequence[Person]
    special: dict[str, Person]
    denied_account: str

    def person(self, act: "Act", chance: Random) -> Person:
        """Who does it: the one it is about, else anybody."""
        return self.special[act.who] if act.who else chance.choice(self.riders)


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """Something other than a good code. who: key into Cast.special, "" for anybody; only: the one mode it works on."""

    story: Text
    expects: Reason
    make: Callable[[Cast, Person, int], bytes]
    who: str = ""
    only: Mode | None = None


def _fresh(_: Cast, person: Person, now: int) -> bytes:
    return _rider(person).code(now)


def _old(_: Cast, person: Person, now: int) -> bytes:
    return _rider(person).code(now - _VALIDITY_S - 60)


def _tomorrow(_: Cast, person: Person, now: int) -> bytes:
    return _rider(person).code(now + _DAY_S)


def _richer(_: Cast, person: Person, now: int) -> bytes:
    """The rider's phone writes a larger cap into the issuer's part and signs the code with its own key."""
    rider = _rider(person)
    code = CODE.parse(rider.code(now))
    forged = CODE.build({**code, "cap": 99_999})
    authorised = forged[3 : 3 + len(rider.authorised)]
    return replace(rider, authorised=authorised).code(now)


def _refreshed(_: Cast, person: Person, now: int) -> bytes:
    """An old screenshot with the generation time written anew; the rider's key is not at hand."""
    code = CODE.parse(_rider(person).code(now - _DAY_S))
    forged: bytes = CODE.build({**code, "generated_at": now})
    return forged


def _cut_short(_: Cast, person: Person, now: int) -> bytes:
    return _rider(person).code(now)[:300]


def _random_bytes(_: Cast, __: Person, now: int) -> bytes:
    return b"?" + Random(now).randbytes(349)  # noqa: S311  no secret; `?` begins no known family


def _rider(person: Person) -> Rider:
    assert person.rider is not None
    return person.rider


def _text(payload: bytes) -> Callable[[Cast, Person, int], bytes]:
    return lambda _cast, _person, _now: payload


# The first eight are shown even in a short script; the rest come in shuffled order.
ODD: tuple[Act, ...] = (
    Act(story=Text("a three minutes old code", "三分钟前的码"), expects=Reason.CODE_EXPIRED, make=_old),
    Act(story=Text("the cap raised by hand", "私改限额"), expects=Reason.ISSUER_SIGNATURE, make=_richer),
    Act(story=Text("random bytes", "乱码"), expects=Reason.UNKNOWN_FAMILY, make=_random_bytes),
    Act(story=Text("an empty account", "余额为零"), expects=Reason.CAP_ZERO, make=_fresh, who="broke"),
    Act(story=Text("a city not joined", "未互通的城市"), expects=Reason.CITY_NOT_ACCEPTED, make=_fresh, who="stranger"),
    Act(story=Text("a screenshot, time altered", "私改时间"), expects=Reason.RIDER_SIGNATURE, make=_refreshed),
    Act(story=Text("a root of one's own", "自造根证书"), expects=Reason.CERTIFICATE_INVALID, make=_fresh, who="forger"),
    Act(
        story=Text("a WeChat code", "微信码"),
        expects=Reason.WECHAT_NOT_ACCEPTED,
        make=_text(b"TX0010001" + bytes(range(128, 200))),
    ),
    Act(
        story=Text("a city that joins next year", "明年才互通的城市"),
        expects=Reason.CITY_NOT_ACCEPTED_YET,
        make=_fresh,
        who="early",
    ),
    Act(
        story=Text("five hours below ground", "在站内五小时"),
        expects=Reason.ACCEPTED,
        make=_fresh,
        who="lingering",
        only=Mode.METRO,
    ),
    Act(
        story=Text("an exit without an entry", "没有进站记录"),
        expects=Reason.ENTRY_MISSING,
        make=_fresh,
        who="outside",
        only=Mode.METRO,
    ),
    Act(story=Text("a root not loaded", "未加载的根"), expects=Reason.ROOT_NOT_LOADED, make=_fresh, who="unrooted"),
    Act(story=Text("a cap below the fare", "限额不足"), expects=Reason.FARE_OVER_CAP, make=_fresh, who="thrifty"),
    Act(
        story=Text("an authorisation of last week", "上周的授权"),
        expects=Reason.AUTHORISATION_EXPIRED,
        make=_fresh,
        who="offline",
    ),
    Act(
        story=Text("an institution not listed", "未列入白名单"),
        expects=Reason.NOT_WHITELISTED,
        make=_fresh,
        who="unlisted",
    ),
    Act(story=Text("a lost card", "已挂失"), expects=Reason.DENY_LISTED, make=_fresh, who="denied"),
    Act(story=Text("an old certificate", "过期证书"), expects=Reason.CERTIFICATE_EXPIRED, make=_fresh, who="outdated"),
    Act(story=Text("a phone a day ahead", "手机时间快一天"), expects=Reason.FROM_THE_FUTURE, make=_tomorrow),
    Act(
        story=Text("a bus card at the metro", "仅限公交的码"),
        expects=Reason.MODE_NOT_ACCEPTED,
        make=_fresh,
        who="bus only",
        only=Mode.METRO,
    ),
    Act(story=Text("an unknown card type", "未知账户类型"), expects=Reason.ACCOUNT_TYPE, make=_fresh, who="odd type"),
    Act(
        story=Text("a code valid for an hour", "有效期一小时"),
        expects=Reason.VALIDITY_TOO_LONG,
        make=_fresh,
        who="long",
    ),
    Act(story=Text("a code cut short", "残缺的码"), expects=Reason.TOO_SHORT, make=_cut_short),
    Act(
        story=Text("an Alipay code", "支付宝码"),
        expects=Reason.ALIPAY_NOT_ACCEPTED,
        make=_text(b"\x02\x01" + bytes(range(120, 220))),
    ),
    Act(
        story=Text("a web address", "网址"),
        expects=Reason.ONLINE_CODE_NOT_ACCEPTED,
        make=_text(b"https://example.com/ride?user=TEST"),
    ),
    Act(story=Text("a UnionPay code", "银联码"), expects=Reason.UNIONPAY_NOT_ACCEPTED, make=_text(b"62" + b"0" * 17)),
    Act(story=Text("a bottle's barcode", "饮料条码"), expects=Reason.UNKNOWN_FAMILY, make=_text(b"TEST 4006381333931")),
)

_SEVERAL = Text("Pear", "梨")  # one person with three codes
# Name, city, whether a senior. The first riders of a short script are drawn from all of them.
_RIDERS = (
    (Text("Pine", "松"), "Suzhou", False),
    (Text("Willow", "柳"), "Shanghai", False),
    (Text("Bamboo", "竹"), "Jiaxing", False),
    (Text("Plum", "梅"), "Ningbo", False),
    (Text("Orchid", "兰"), "Hangzhou", False),
    (Text("Lotus", "荷"), "Hefei", False),
    (Text("Maple", "枫"), "Nanjing", False),
    (Text("Laurel", "桂"), "Wuxi", False),
    (Text("Peach", "桃"), "Shaoxing", False),
    (Text("Apricot", "杏"), "Taizhou", False),
    (Text("Cypress", "柏"), "Xuzhou", False),
    (_SEVERAL, "Suzhou", True),
    (Text("Chestnut", "栗"), "Jiaxing", True),
    (Text("Jujube", "枣"), "Shanghai", True),
    (Text("Persimmon", "柿"), "Hefei", True),
    (_SEVERAL, "Shanghai", False),
    (_SEVERAL, "Jiaxing", False),
)


def make_cast(now: int) -> Cast:
    """The cast, with fresh keys. now: unix seconds UTC, from which authorisations and entries are counted."""
    roots = (make_root(1), make_root(2))

    def institution(city: City, number: int = 0, modes: tuple[Mode, ...] = tuple(Mode)) -> Institution:
        root, name = roots[issuers.root_index(city) - 1], int(issuers.organisation(city)) + number
        platform = f"{int(issuers.platform(city)) + number:08}"
        return Institution(city=city, issuer=make_issuer(root, f"{name:08}"), platform=platform, modes=modes)

    at = {city.name.en: institution(city) for city in (*PLAN.cities, OUTSIDE, NEXT_YEAR)}
    suzhou, shanghai = at["Suzhou"], at["Shanghai"]
    bus_only = institution(suzhou.city, 1, (Mode.BUS,))
    people = _People(now)
    riders = [people.rider(name, at[city], senior=senior) for name, city, senior in _RIDERS]
    codes = [one for one in riders if one.name == _SEVERAL]

    def outside(issuer: Issuer) -> Institution:
        return Institution(city=NOWHERE, issuer=issuer, platform=suzhou.platform)

    special = {
        "broke": people.rider(Text("Reed", "苇"), suzhou, cap_fen=0),
        "thrifty": people.rider(Text("Moss", "苔"), shanghai, cap_fen=100),
        "offline": people.rider(Text("Fern", "蕨"), suzhou, authorised_until=now - 7 * _DAY_S),
        "long": people.rider(Text("Cedar", "杉"), shanghai, validity_s=3600),
        "odd type": people.rider(Text("Ginkgo", "银杏"), suzhou, account_type=9),
        "stranger": people.rider(Text("Camphor", "樟"), at["Changzhou"]),
        "early": people.rider(Text("Magnolia", "玉兰"), at["Yangzhou"]),
        "lingering": people.rider(Text("Mulberry", "桑"), at["Nantong"], inside_s=5 * 3600),
        "outside": people.rider(Text("Tallow", "乌桕"), at["Huaian"], inside_s=None),
        "bus only": people.rider(Text("Elm", "榆"), bus_only),
        "unlisted": people.rider(Text("Ivy", "藤"), outside(make_issuer(roots[0], "99000001"))),
        "outdated": people.rider(Text("Oak", "栎"), outside(make_issuer(roots[1], "99320500", (2020, 1)))),
        "unrooted": people.rider(Text("Birch", "桦"), outside(make_issuer(make_root(9), "99320500"))),
        "forger": people.rider(Text("Nettle", "荨麻"), outside(make_issuer(make_root(1), "99320500"))),
        "denied": people.rider(Text("Poplar", "杨"), suzhou),
    }
    return Cast(
        roots=roots,
        institutions=(*at.values(), bus_only),
        riders=riders,
        codes=codes,
        special=special,
        denied_account=people.last_account,
    )


class _People:
    """Gives every rider accounts of their own, and a station at which they entered."""

    def __init__(self, now: int) -> None:
        self._now = now
        self._count = 0
        self.last_account = ""

    def rider(
        self,
        name: Text,
        institution: Institution,
        *,
        senior: bool = False,
        cap_fen: int = 5000,
        validity_s: int = _VALIDITY_S,
        account_type: int = 0,
        authorised_until: int | None = None,
        inside_s: int | None = 1500,
    ) -> Person:
        """inside_s: for how long they have been in the metro; None: they are not."""
        self._count += 1
        self.last_account = f"99{institution.city.division:06}{self._count:012}"
        account_type = SENIOR if senior else account_type
        station = 0 if inside_s is None else 101 + self._count % 5
        entered_at = 0 if inside_s is None else self._now - inside_s
        city = PLAN.cities[0] if institution.city == NOWHERE else institution.city
        rider = make_rider(
            institution.issuer,
            payment_account=f"TEST-RIDER-{self._count:05}",
            card_account=self.last_account,
            platform=institution.platform,
            account_type=account_type,
            cap_fen=cap_fen,
            validity_s=validity_s,
            authorised_until=self._now + 30 * _DAY_S if authorised_until is None else authorised_until,
            issuer_data=issuers.rider_data(city, station=station, entered_at=entered_at),
        )
        return Person(
            name=name,
            city=institution.city,
            rider=rider,
            account=self.last_account,
            account_type=account_type,
            station=station,
            entered_at=entered_at,
        )
