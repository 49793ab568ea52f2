"""Parameters to begin with: the plain form for a bench, and a source directory that shows every file but those of
days, hours and networks, which `yima.sdk.profiles.tariffs` has.

Cities and lines are Suzhou's and Shanghai's by name only; fares, institutions and forms of field 14 are made up. The
root key is the test lab's public test root 1, so that both load as they are.
"""

from pathlib import Path

from yima.validator.errors import ParametersError
from yima.validator.texts import Text

TEST_ROOT = """\
F8ECFA98612ECB5CF9C0EBCAA8C9C67714F6EE948CFF7226EF7E39000542930F\
BEA4C6CEF060C660ED51C93EBD11696208373792096609CDDA3C7726B563B50F"""

PLAIN = f"""\
# Parameters of a yima validator 参数
environment = "test"            # or "production" 环境
version = 1

[limits]                        # all optional; these are the defaults 限制（均可省略，以下为默认值）
versions = [0x80, 0x81]         # accepted versions of the code 受理的版本号
max_validity_s = 1200           # longest validity of one code 单码最长有效时间
future_tolerance_s = 20         # how far a phone's clock may be ahead 手机时间允许超前
debounce_ms = 2000              # the same bytes within it are the same presentation 同一次出示
account_interval_s = 0          # the same account again not before; 0 is off 同一账户最小间隔
account_types = [0, 1, 2, 3, 4, 5, 0x41]

[fares]                         # fen, flat by mode; a mode without a fare refuses 票价（分）
bus = 200
metro = 300

[[roots]]                       # one block a root 根证书或公钥
index = 1
key = "{TEST_ROOT}"
# or: certificate = "<144 bytes in hex>"
# or: file = "roots.bin"        # n × 144 bytes, relative to this file

[[whitelist]]                   # one block a pair of institution and platform 白名单
organisation = "00083010"
platform = "50083010"
city = 310000                   # the issuer's city, optional 发卡城市（可省略）
modes = ["bus", "metro"]        # default both 交通方式

[acceptance]                    # riding city = issuers' cities; optional 乘车城市 = 受理的发卡城市
310000 = [310000, 320500]
320500 = [310000, 320500]

[[deny]]                        # a card account, or a range; F pads to 20 digits 黑名单
first = "31048700000000019990"
last = "31048700000000019998"

[[time_shifts]]                 # extra time bases accepted of one institution 额外时间基准
organisation = "00083010"
shifts_s = [28800]
"""

SOURCE = {
    "package.toml": f"""\
# docs/parameters.md describes every file and column 各文件与列的说明见 docs/parameters.md
environment = "test"            # or "production" 环境
version = 1                     # must grow with every package 每次发布须递增
city = 320500                   # whose devices it is for 适用城市
not_before = 2026-01-01         # midnight in UTC+8 生效日期
expiry = 2027-01-01
lists_issued = 2026-01-01       # when deny.csv was drawn up 黑名单制作日期

[limits]
account_types = [0, 1, 2, 3, 4, 5, 0x41]
families = ["ministry"]

[reader]
baud = 115200
gap_ms = 20

[[roots]]
index = 1
key = "{TEST_ROOT}"

[[time_shifts]]
organisation = "00083010"
shifts_s = [28800]
""",
    "cities.csv": "city,name\n310000,上海\n320500,苏州\n",
    "whitelist.csv": """\
organisation,platform,city,modes,name
00083010,50083010,310000,bus metro,Shanghai test issuer
01011000,01011000,320500,,Suzhou test issuer
""",
    "acceptance.csv": """\
# whose codes ride where, since when 谁的码、在哪里、何时起受理
riding_city,mode,issuer_city,from,to
320500,,320500,,
320500,bus,310000,2023-01-01,
320500,metro,310000,2024-01-01,
""",
    "fares.csv": """\
rule,mode,city,line,from,to,kind,fen,table
bus-flat,bus,320500,,,,flat,200,
bus-k1,bus,320500,101,,,stages,,k1
metro-distance,metro,320500,,,,matrix,,network
""",
    "stages.csv": "table,up_to_m,fen\nk1,10000,100\nk1,20000,200\nk1,rest,300\n",
    "lines.csv": "mode,city,line,name\nbus,320500,101,快线1号\nmetro,320500,1,轨道交通1号线\n",
    "stations.csv": """\
mode,city,line,station,metres,name
bus,320500,101,1,0,火车站
bus,320500,101,2,9500,会展中心
bus,320500,101,3,24000,度假区
metro,320500,,101,,木渎
metro,320500,,205,,乐桥
metro,320500,,309,,钟南街
""",
    "matrix-network.csv": "entry\\exit,101,205,309\n101,200,300,500\n205,300,200,400\n309,500,400,200\n",
    "concessions.csv": """\
# equal treatment of a neighbour is a row 邻市同等待遇是一行数据
rule,account_type,group,issuer_city,riding_city,mode,from,to,percent,fen,funded_by
senior-local,2,,320500,320500,,,,0,,riding-city
senior-shanghai,2,,310000,320500,,2024-01-01,,0,,issuer-city
student-half,3,,,320500,,,,50,,operator
senior-any-code,,senior,,320500,,,,0,,issuer-city
""",
    "groups.csv": """\
# who is in which group, whatever the code says 账户所属群体，与码内账户类型无关
account,last,group
31048700000000020001,,senior
31048700000000030000,31048700000000039999,senior
""",
    "journeys.csv": """\
rule,mode,city,longest_s,over_time_fen,missing_exit,missing_entry_fen,unreadable_fen,entry_cap_fen
suzhou,metro,320500,14400,200,accept,200,500,500
""",
    "decoders.csv": """\
organisation,state_at,inside,station_at,station_size,station_form,time_at,time_form
00083010,0,0x01,1,2,binary,3,binary
01011000,9,0x11,7,2,bcd,0,bcd
""",
    "deny.csv": "account,last\n31048700000000019990,31048700000000019998\n3104870000000001FFFF,\n",
}


def source_of(year: int) -> dict[str, str]:
    """The example's files by name, in force for that year (UTC+8); an example that has expired would teach nothing."""
    package = SOURCE["package.toml"].replace("2027-01-01", f"{year + 1}-01-01").replace("2026-01-01", f"{year}-01-01")
    return SOURCE | {"package.toml": package}


def write_source(directory: Path, year: int = 2026) -> None:
    """Writes the example source of a year into a directory that is not there yet. Raises ParametersError."""
    try:
        directory.mkdir(parents=True)
        for name, content in source_of(year).items():
            (directory / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise ParametersError(
            directory,
            Text(f"cannot be made: {error.strerror}", f"无法创建：{error.strerror}"),
            Text("Name a directory that is not there yet", "请指定尚不存在的目录"),
        ) from error
