"""What an uplink says when it does not work, whatever carries its batches."""

from yima.validator.errors import BatchTooLargeError, CollectorBusyError, UplinkError
from yima.validator.texts import Text


def no_address(url: str) -> UplinkError:
    """It names no collector."""
    return UplinkError(
        url,
        Text("no address of a collector", "不是采集端地址"),
        Text(
            "Give one like https://collector.example, http://127.0.0.1:8080 or mqtts://broker.example",
            "格式如 https://collector.example、http://127.0.0.1:8080 或 mqtts://broker.example",
        ),
    )


def unreachable(url: str, why: str, *, certificate: object = None) -> UplinkError:
    """Nobody answers. certificate: the one that is shown there: with TLS 1.3 whoever is not let in hears of it only by
    the end of the connection."""
    if certificate is None:
        remedy = Text(
            "Check the network and that it runs; records wait in the journal", "请检查网络及采集端；记录保留在日志中"
        )
    else:
        remedy = Text(
            f"Check the network, that it runs, and that {certificate} is its authority's and has not ended; records"
            " wait in the journal",
            f"请检查网络、采集端，以及 {certificate} 是否由其证书机构签发且未过期；记录保留在日志中",
        )
    return UplinkError(url, Text(f"the collector cannot be reached ({why})", f"无法连接采集端（{why}）"), remedy)


def nonsense(url: str, why: str) -> UplinkError:
    """An answer that is none."""
    return UplinkError(
        url,
        Text(f"the collector's answer makes no sense ({why})", f"采集端应答无法理解（{why}）"),
        Text(
            "Check that a Yima collector answers there; records wait in the journal",
            "请确认该地址是一码采集端；记录保留在日志中",
        ),
    )


def refused(url: str, status: int, answer: bytes, *, enrolment: str, retry_after_s: float | None = None) -> UplinkError:
    """An answer that is not 200. enrolment: the device's line for the register."""
    says = "".join(character for character in answer.decode(errors="replace") if character.isprintable())
    problem = Text(f"the collector answers {status} ({says})", f"采集端应答 {status}（{says}）")
    if status in (401, 403):
        return UplinkError(
            url, problem, Text(f"Enrol this device there: {enrolment}", f"请在采集端登记本设备：{enrolment}")
        )
    if status == 413:
        return BatchTooLargeError(url, problem, Text("Smaller batches are tried", "将以更小的批次重试"))
    remedy = Text("It is tried again; records wait in the journal", "稍后重试；记录保留在日志中")
    if status in (429, 503):
        return CollectorBusyError(url, problem, remedy, retry_after_s=retry_after_s)
    return UplinkError(url, problem, remedy)
