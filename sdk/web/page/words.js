'use strict';
/* What the page itself says, in both languages. */
(() => {
  const { yima } = globalThis;
  yima.words = {
    title: ['the bench', '试验台'], theme: ['Light / dark', '明 / 暗'], skip: ['To what was shown', '跳至读取结果'],
    inputs: ['Show it a code', '出示乘车码'], camera: ['Camera', '摄像头'], serial: ['Serial scanner', '串口扫码器'],
    hid: ['HID scanner', 'HID 扫码器'],
    choose: ['Files…', '选择文件…'], baud: ['speed of the line', '波特率'],
    paste: ['Paste what was read: hex, base64, a dump', '粘贴读取内容：十六进制、base64、转储'],
    judge: ['Look at it', '查看'],
    drop: ['Drop pictures, payloads, a parameter package or root certificates anywhere',
      '可将图片、码数据、参数包或根证书拖放到页面任意位置'],
    gate: ['The gate', '闸机'], mode: ['mode', '方式'], bus: ['bus', '公交'], metro: ['metro', '地铁'],
    at: ['at (unix s)', '时刻（unix 秒）'], card: ['Calibration card', '校准卡'],
    cardSays: ['Scan this symbol: it holds every byte once, so one scan names what the scanner does to codes.',
      '扫描此图：其中每个字节各出现一次，扫描一次即可判明扫码器对数据的改动。'],
    shown: ['What was shown', '读取结果'], empty: ['Nothing yet.', '尚无内容。'], signatures: ['Signatures', '签名'],
    fields: ['Fields', '字段'], reveal: ['show account numbers whole', '显示完整账户号'], offset: ['offset', '偏移'],
    size: ['size', '字节'], field: ['field', '名称'], meaning: ['meaning', '含义'], raw: ['raw', '原始数据'],
    history: ['All presentations', '全部出示记录'], took: ['First to last byte', '首末字节用时'], keep: ['keep', '记录'],
    masked: ['accounts masked', '遮盖账户'], shape: ['no bytes', '不含数据'], rawBytes: ['every byte', '全部数据'],
    capture: ['Save capture', '保存记录'],
    lacks: ['Saved without the first {n}: the page keeps no more than {most}',
      '已保存，不含最早的 {n} 次：本页最多保留 {most} 次'],
    local: ['Nothing leaves this machine: the page may connect to nothing. The core is the one that vendors flash, as WebAssembly.',
      '数据不离开本机：本页面不得发起任何连接。判定核心与厂商烧录的核心相同，编译为 WebAssembly。'],
    certificate: ['certificate, by its root CA', '证书（根 CA 签名）'], issuer: ['issuer authorisation', '发卡机构授权'],
    rider: ['rider', '用户'], valid: ['valid', '有效'], invalid: ['invalid', '无效'], 'unknown root': ['unknown root', '根证书未知'],
    'not kept': ['not kept', '记录中未保存'],
    bytes: ['bytes', '字节'], in: ['in', '用时'], again: ['the same again', '同一码'], whole: ['whole', '完整'],
    read: ['read', '读取'], perMinute: ['a minute', '每分钟'], cure: ['cure', '处理'], proved: ['proved', '已验证'],
    accepted: ['ACCEPTED', '通过'], refused: ['REFUSED', '拒绝'], fare: ['fare', '票价'], form: ['form', '格式'],
    noGate: ['No parameters: signatures are checked against {n} roots. Drop a package or an image for a verdict.',
      '未载入参数：以 {n} 个根公钥验签。拖入参数包或参数映像可得判定。'],
    underGate: ['Verdicts under {name} ({size} bytes).', '按 {name}（{size} 字节）判定。'],
    fromPackage: ['Nothing in the package is changed; whose keys signed it this page does not know.',
      '参数包未被改动；签名者身份本页无从得知。'],
    rootsTaken: ['{n} roots loaded', '已载入 {n} 个根证书'], ready: ['Ready.', '就绪。'],
    isSource: ['{name} is parameters in TOML, and this page takes what is built of them. In a terminal: ' +
      'yima params build {name} -o params.bin, then drop params.bin',
    '{name} 是 TOML 参数文件，本页只接受由其制作的参数映像。请在终端运行：yima params build {name} -o params.bin，再拖入 params.bin'],
    isListing: ['{name} is one file of a source directory. In a terminal: yima params build DIR --key signer.key -o city.ymp, ' +
      'then drop city.ymp', '{name} 是源目录中的一个文件。请在终端运行：yima params build DIR --key signer.key -o city.ymp，再拖入 city.ymp'],
    unreadable: ['{name} cannot be read: it is a folder, or it is gone. Drop the files themselves',
      '无法读取 {name}：它是文件夹，或已不存在。请直接拖放文件'],
    badPicture: ['{name}: this browser cannot open the picture: it is damaged, or no PNG or JPEG',
      '{name}：浏览器无法打开此图片：已损坏，或不是 PNG 或 JPEG'],
    noSymbol: ['{name}: no QR symbol found in the picture', '{name}：图中未找到二维码'],
    noCamera: ['The camera cannot be had: {why}', '无法使用摄像头：{why}'],
    noSerial: ['This browser has no Web Serial: use Chromium, Chrome or Edge', '此浏览器不支持 Web Serial：请使用 Chromium、Chrome 或 Edge'],
    searching: ['Looking for what happened to it on the way…', '正在查找数据在途中的变化…'],
    givenUp: ['The search was given up for a newer reading.', '因有新的读取，已停止查找。'], lookAgain: ['Look again', '再次查找'],
    noHid: ['This browser has no WebHID: use Chromium, Chrome or Edge', '此浏览器不支持 WebHID：请使用 Chromium、Chrome 或 Edge'],
    noHidChosen: ['No scanner was chosen. Only one in HID-POS mode is listed: scan its setting “USB HID POS” first',
      '未选择扫码器。仅列出处于 HID-POS 模式的设备：请先扫描其“USB HID POS”设置码'],
    hidListening: ['Listening to {name}.', '正在监听 {name}。'],
    cameraEnded: ['The camera is gone: {why}', '摄像头已断开：{why}'],
    serialEnded: ['The scanner is gone: {why}', '扫码器已断开：{why}'], listening: ['Listening at {baud}.', '正在监听，波特率 {baud}。'],
    notBytes: ['This text is no code: paste hex or base64', '该文本不是码数据：请粘贴十六进制或 base64'],
    tooLarge: ['{name}: larger than {most} MB', '{name}：大于 {most} MB'],
    badTime: ['The moment is no number of unix seconds', '时刻不是 unix 秒数'],
  };

  /* What is said of a line in English, and the details of a diagnosis, in Chinese by yima.sdk.line_words' phrases. */
  const PHRASES = yima.diagnosing.tables.phrases.map(([pattern, words]) => [new RegExp(pattern, 'g'), words]);
  yima.lineWords = (line) => PHRASES.reduce((said, [pattern, words]) => said.replace(pattern, words), line);
})();
