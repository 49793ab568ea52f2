"""What is said of a package that is not taken, and what to do: one pair of texts for each error of core/package.h."""

from yima.validator.texts import Text

PROBLEMS: dict[str, tuple[Text, Text]] = {
    "OK": (Text("nothing is wrong", "没有问题"), Text("Go on", "请继续")),
    "TRUNCATED": (Text("is cut short", "内容不完整"), Text("Transfer the file again", "请重新传输该文件")),
    "NOT_A_PACKAGE": (Text("is no package", "不是参数包"), Text("Check the path", "请检查路径")),
    "OTHER_FORMAT": (
        Text("is of a format that this software does not know", "格式高于本软件所支持"),
        Text("Update the software", "请升级软件"),
    ),
    "BAD_VALUE": (Text("is damaged or badly made", "已损坏或制作有误"), Text("Build it again", "请重新制作")),
    "BAD_KEY": (
        Text("names a key that is none", "所列公钥无效"),
        Text("Build it again with the right keys", "请用正确的公钥重新制作"),
    ),
    "TRAILING": (
        Text("has bytes behind its end", "末尾有多余字节"),
        Text("Transfer the file again, in binary mode", "请以二进制方式重新传输"),
    ),
    "OTHER_ENVIRONMENT": (
        Text("is of the other environment", "环境不符"),
        Text(
            "Test and production never mix: take the package made for this one",
            "测试与生产不得混用：请使用对应环境的参数包",
        ),
    ),
    "OTHER_CHAIN": (
        Text("is not what belongs here", "类型不符"),
        Text("Parameters and deny-lists are given in their own places", "参数与黑名单应分别提供"),
    ),
    "OTHER_CITY": (
        Text("is for another city", "适用于其他城市"),
        Text("Take the package of this city", "请使用本市的参数包"),
    ),
    "UNSIGNED": (Text("is not signed", "未签名"), Text("Sign it: yima params sign", "请签名：yima params sign")),
    "UNKNOWN_SIGNER": (
        Text("is signed by a key that is not trusted here", "签名公钥不受本机信任"),
        Text(
            "If keys were changed, give the packages in between first; else have it signed by the right key",
            "如更换过密钥，请先依次提供中间版本；否则请用正确的密钥签名",
        ),
    ),
    "BAD_SIGNATURE": (
        Text("has a wrong signature: it was changed after signing", "签名错误：签名后被改动"),
        Text("Get it again from who made it", "请向制作方重新获取"),
    ),
    "TOO_FEW_SIGNATURES": (
        Text("is not signed by enough trusted keys", "受信任的签名不足"),
        Text("Have the other key holders sign it too", "请由其他密钥持有者补签"),
    ),
    "OLDER": (
        Text("is older than what this device has had", "版本低于本机已用过的版本"),
        Text("Build a newer version with the old content", "请以旧内容制作更高的版本"),
    ),
    "SAME_VERSION": (
        Text("is another package under a version that is taken", "同一版本号的另一个参数包"),
        Text("Give it the next version number", "请使用下一个版本号"),
    ),
    "GAP": (
        Text("builds on a version that this device has not had", "所基于的版本本机尚未安装"),
        Text("Give the versions in between first", "请先提供中间版本"),
    ),
    "OTHER_BASE": (
        Text("applies to another list than the one in force", "增量与当前名单不匹配"),
        Text("Give the increments in order, or the whole list", "请按顺序提供增量，或提供完整名单"),
    ),
    "EXPIRED": (Text("has expired", "已过期"), Text("Build and sign a new one", "请制作并签名新的参数包")),
    "BAD_IMAGE": (
        Text("holds other content than was signed", "内容与签名不符"),
        Text("Transfer the file again", "请重新传输该文件"),
    ),
    "MIXED": (
        Text(
            "mixes versions: inside is another environment or version than on the envelope",
            "内外不一致：内容的环境或版本与封装不同",
        ),
        Text("Build it again from one source", "请由同一来源重新制作"),
    ),
    "NOT_YET": (
        Text("is not valid yet", "尚未生效"),
        Text("It can be kept; it comes into force at its time", "可先存放，到时生效"),
    ),
}
