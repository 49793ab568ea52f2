"""What readers there are and what each takes behind its `?`: one text for the help of `yima run` and `bench`."""

READERS = """\
readers, and their options behind a `?` with `&` between 读码器与选项（写在 ? 之后，以 & 分隔）:
  serial:/dev/ttyUSB0               a scanner on a serial port or USB (virtual COM) 串口扫码器
  serial:socket://HOST:PORT         its bytes from a terminal server 串口服务器（仅数据）
  serial:rfc2217://HOST:PORT        the same, which sets the speed as well 串口服务器（可设波特率）
    baud=115200  gap_ms=20  mode=auto|raw|hex|base64  prefix=HEX  suffix=HEX
    init=HEX,HEX      sent at opening, each with 100 ms to answer 打开时发送的命令
    trigger=HEX       sent to begin a reading, again after trigger_ms=3000 触发命令
    ignore=HEX,HEX    a module's answers and heartbeats, no codes; HEX*: whatever begins so 忽略的应答
  hid:VVVV:PPPP                     a scanner in HID-POS mode, by its USB ids; extra hid HID-POS 扫码器
    serial=TEXT  mode=auto|raw|hex|base64
  camera:0                          the first camera 摄像头
    width=N  height=N  decoder=zxing|zbar|opencv
  file:codes/                       files: payloads (.bin .hex .b64) and pictures; ends after the last 文件
  replay:scans.jsonl                what `yima bench --capture` kept 重放记录
    speed=N           0: at once 速度，0 为立即
"""
