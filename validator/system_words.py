"""What the operating system says of an error, in Chinese: it says so itself in English alone."""

import errno
import os
import re
from typing import Final

_MEANINGS: Final = {
    "EPERM": "不允许此操作",
    "ENOENT": "没有该文件或目录",
    "EINTR": "调用被中断",
    "EIO": "输入输出错误",
    "ENXIO": "没有该设备或地址",
    "ENOEXEC": "无法执行的文件格式",
    "EBADF": "文件已关闭",
    "EAGAIN": "资源暂时不可用",
    "ENOMEM": "内存不足",
    "EACCES": "权限不足",
    "EBUSY": "设备或资源正忙",
    "EEXIST": "文件已存在",
    "EXDEV": "不能跨文件系统",
    "ENODEV": "没有该设备",
    "ENOTDIR": "不是目录",
    "EISDIR": "是目录",
    "EINVAL": "参数无效",
    "ENFILE": "系统打开的文件过多",
    "EMFILE": "打开的文件过多",
    "ENOTTY": "不是终端设备",
    "ETXTBSY": "文件正在执行",
    "EFBIG": "文件过大",
    "ENOSPC": "设备空间不足",
    "EROFS": "文件系统只读",
    "EPIPE": "管道已断开",
    "ENAMETOOLONG": "文件名过长",
    "ENOTEMPTY": "目录非空",
    "ELOOP": "符号链接层数过多",
    "EDQUOT": "超出磁盘配额",
    "ESTALE": "文件句柄已失效",
    "EADDRINUSE": "地址已被占用",
    "EADDRNOTAVAIL": "地址不可用",
    "ENETDOWN": "网络已断开",
    "ENETUNREACH": "网络不可达",
    "ECONNABORTED": "连接已中止",
    "ECONNRESET": "连接被对方重置",
    "ENOTCONN": "未连接",
    "ETIMEDOUT": "连接超时",
    "ECONNREFUSED": "连接被拒绝",
    "EHOSTDOWN": "主机未开机",
    "EHOSTUNREACH": "主机不可达",
    "EAFNOSUPPORT": "不支持该地址类型",
    "EPROTONOSUPPORT": "不支持该协议",
    "EOPNOTSUPP": "不支持此操作",
}
_WORDS: Final = {
    os.strerror(number): words
    for name, words in _MEANINGS.items()
    if (number := getattr(errno, name, None)) is not None
} | {
    "Name or service not known": "无法解析的主机名",
    "Temporary failure in name resolution": "域名解析暂时失败",
    "No address associated with hostname": "主机名没有对应的地址",
}
_ANY: Final = re.compile("|".join(re.escape(words) for words in sorted(_WORDS, key=len, reverse=True)))


def in_chinese(text: str) -> str:
    """A Chinese text in which the system's English words are Chinese, too."""
    return _ANY.sub(lambda found: _WORDS[found[0]], text)
