'use strict';
/* Symbols in pictures and in the camera's frames, by zxing-wasm: QR codes alone, inverted ones too, bytes kept as bytes. */
(() => {
  const yima = globalThis.yima;
  const OPTIONS = { formats: ['QRCode'], tryInvert: true, tryHarder: true, tryRotate: true, maxNumberOfSymbols: 4 };
  const PIXELS_MOST = 40e6;
  const MARKS = [/^\x89PNG\r\n\x1a\n/, /^\xff\xd8\xff/, /^GIF8[79]a/, /^(?:II[*+]\0|MM\0\*)/,
    /^\0\0\0\x0cjP {2}\r\n\x87\n/, /^\xff\x4f\xff\x51/, /^%PDF-/, /^RIFF[^]{4}WEBP/, /^BM[^]{4}\0{4}[^]{17}/,
    /^[^]{4}ftyp(?:hei[cxf]|hevc|mif1|msf1|avi[fs])/];
  let prepared;

  /* Whether these are a picture: by a format's own mark, not by a file's name, as yima.validator.readers.pictures. */
  yima.isPicture = (bytes) => {
    const head = String.fromCharCode(...bytes.subarray(0, 32));
    return MARKS.some((mark) => mark.test(head));
  };

  const prepare = () =>
    (prepared ??= (async () => {
      const wasmBinary = await yima.core.unpacked(yima.packed.zxing);
      await globalThis.ZXingWASM.prepareZXingModule({ overrides: { wasmBinary }, fireImmediately: true });
    })());

  /* The payloads in an ImageData. */
  yima.symbolsIn = async (image) => {
    await prepare();
    const found = await globalThis.ZXingWASM.readBarcodes(image, OPTIONS);
    return found.filter((one) => one.isValid && one.bytes.length).map((one) => new Uint8Array(one.bytes));
  };

  /* The payloads in a picture, which is closed. White is put behind what is transparent, and a margin around. */
  yima.symbolsInPicture = async (bitmap) => {
    const { width, height } = bitmap;
    if (width * height > PIXELS_MOST)
      throw new yima.Problem(`${width} × ${height} pixels: more than ${PIXELS_MOST / 1e6} million`,
        `${width} × ${height} 像素：超过 ${PIXELS_MOST / 1e6} 百万`);
    const margin = 24;
    const canvas = new OffscreenCanvas(width + 2 * margin, height + 2 * margin);
    const pen = canvas.getContext('2d');
    pen.fillStyle = '#fff';
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.drawImage(bitmap, margin, margin);
    bitmap.close();
    return yima.symbolsIn(pen.getImageData(0, 0, canvas.width, canvas.height));
  };

  /* Reads the camera until stop() is called. found(payload, first, last): moments are performance.now(). ended gets the
   * reason, where the camera was pulled out or its picture can be read no more. */
  yima.watchCamera = async (video, found, ended) => {
    const stream = await navigator.mediaDevices.getUserMedia(
      { video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 720 } } });
    const release = () => {
      stream.getTracks().forEach((track) => track.stop());
      video.srcObject = null;
    };
    video.srcObject = stream;
    try {
      await Promise.all([video.play(), prepare()]);
    } catch (error) {
      release();
      throw error;
    }
    const canvas = document.createElement('canvas');
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    let running = true;
    const end = (why) => {
      if (!running) return;
      running = false;
      release();
      ended(why);
    };
    stream.getTracks().forEach((track) => track.addEventListener('ended', () => end('unplugged')));
    const look = async () => {
      while (running) {
        await new Promise((next) => setTimeout(next, 30));
        if (!running || !video.videoWidth) continue;
        const first = performance.now();
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        pen.drawImage(video, 0, 0);
        const payloads = await yima.symbolsIn(pen.getImageData(0, 0, canvas.width, canvas.height));
        for (const payload of running ? payloads : []) found(payload, first, performance.now());
      }
    };
    look().catch((error) => end(error.message));
    return () => {
      running = false;
      release();
    };
  };
})();
