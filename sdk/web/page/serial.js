'use strict';
/* A scanner on a serial port, by the browser's Web Serial. found gets what the framer delivers; ended the reason. */
(() => {
  const yima = globalThis.yima;

  yima.watchSerial = async (port, baudRate, found, ended) => {
    await port.open({ baudRate, bufferSize: 4096 });
    const framer = new yima.Framer();
    const reader = port.readable.getReader();
    const deliver = (all) => all.forEach((one) => found(one.payload, one.first, one.last, one.faults));
    const timer = setInterval(() => deliver(framer.silence(performance.now())), 20);
    let stopped = false;
    const close = async () => {
      clearInterval(timer);
      reader.releaseLock();
      await port.close().catch(() => {});
    };
    (async () => {
      try {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          deliver(framer.feed(value, performance.now()));
        }
        deliver(framer.silence(Infinity));
        await close();
        if (!stopped) ended('closed');
      } catch (error) {
        await close();
        ended(error.message);
      }
    })();
    return async () => {
      stopped = true;
      await reader.cancel();
    };
  };
})();
