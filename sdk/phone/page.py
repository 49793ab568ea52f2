"""The page's HTML, in English or Chinese. All that stands in it is ours or was checked: nothing is quoted."""

from html import escape
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from yima.sdk.phone.lab import LAB, RIDERS
from yima.sdk.phone.pictures import Style
from yima.sdk.qr import LEVELS
from yima.validator.judging import Reason
from yima.validator.texts import Text

if TYPE_CHECKING:
    from yima.sdk.phone.app import Choices

STYLES = {
    Style.GOOD: Text("plain", "普通"),
    Style.DARK: Text("dark mode", "深色模式"),
    Style.MIRRORED: Text("mirrored", "镜像"),
    Style.PALE: Text("low contrast", "低对比度"),
    Style.POSTER: Text("a poster beside it", "旁有海报"),
}
_LABELS = {
    "style": Text("look", "外观"),
    "case": Text("code", "码"),
    "rider": Text("rider", "乘客"),
    "level": Text("correction", "纠错级别"),
    "every": Text("new every", "更新间隔"),
}
_TITLE = Text("Yima: a phone for testing scanners", "一码：扫码测试手机")
_ABOUT = Text(
    "Test codes, signed by test keys: no gate that takes money accepts them. Full brightness reads best.",
    "测试码，由测试密钥签名：正式闸机不会受理。请将屏幕调至最亮。",
)
_LEFT = Text("next code in % s", "% 秒后更新")
_LATE = Text("no answer: this code is an old one", "无应答：此码已旧")
_FULL = Text("full screen", "全屏")
_PARAMETERS = Text("parameters that accept them", "受理这些码的参数")
_SHOW = Text("show", "显示")
_GOOD = Text("good", "正常")
_EVERY = (2, 3, 5, 10, 20, 60)


def expected(case: int) -> Text:
    """What a gate says of a lab case's code."""
    if not case:
        return _GOOD
    reason = LAB[case].expects
    if reason is Reason.ACCEPTED:
        return Text(f"{case} {_detail(case)} accepted", f"{case} {_detail(case)} 通过")
    return Text(f"{case} {reason.english}", f"{case} {reason.chinese}")


def page(choices: "Choices", language: str) -> bytes:
    """The page for these choices. language: `en` or `zh`."""

    def said(text: Text) -> str:
        return escape(text.zh if language == "zh" else text.en)

    options: dict[str, dict[str, str]] = {
        "style": {str(one): said(text) for one, text in STYLES.items()},
        "case": {str(number): said(expected(number)) for number in (0, *sorted(LAB))},
        "rider": {str(number): str(number) for number in range(1, RIDERS + 1)},
        "level": dict(zip(LEVELS, LEVELS, strict=True)),
        "every": {str(s): f"{s} s" for s in sorted({*_EVERY, choices.every})},
    }
    now = {name: str(getattr(choices, name)) for name in options}
    address = escape(urlencode(now))
    selects = "\n".join(
        f'<label>{said(_LABELS[name])} <select name="{name}">'
        + "".join(
            f'<option value="{value}"{" selected" if value == now[name] else ""}>{text}</option>'
            for value, text in values.items()
        )
        + "</select></label>"
        for name, values in options.items()
    )
    return f"""<!doctype html>
<html lang="{"zh-CN" if language == "zh" else "en"}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover">
<title>{said(_TITLE)}</title>
<link rel="stylesheet" href="page.css">
<script src="page.js" defer></script>
<noscript><meta http-equiv="refresh" content="{choices.every}"></noscript>
<body class="{choices.style}" data-every="{choices.every}">
<img id="code" src="code.png?{address}" alt="{said(expected(choices.case))}">
<p id="left" data-left="{said(_LEFT)}" data-late="{said(_LATE)}"></p>
<form method="get">
{selects}
<input type="hidden" name="lang" value="{language}">
<noscript><button>{said(_SHOW)}</button></noscript>
<button type="button" id="full">{said(_FULL)}</button>
</form>
<p class="said">{said(_ABOUT)} <a href="params.toml">{said(_PARAMETERS)}</a> ·
<a href="?{escape(urlencode(now | {"lang": "en" if language == "zh" else "zh"}))}">{
        "English" if language == "zh" else "中文"
    }</a></p>
</body>
</html>
""".encode()


def _detail(case: int) -> str:
    row = LAB[case]
    if row.level:
        return f"QR {row.level}"
    if "issuer_data" in row.fields:
        return f"F14 {len(bytes(row.fields['issuer_data']))} B"  # type: ignore[call-overload]
    if "account_type" in row.fields:
        return f"F8 {row.fields['account_type']:02}"
    return f"CA {row.root}"
