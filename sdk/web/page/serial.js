'use strict';
/* A scanner on a serial port, by the browser's Web Serial. found gets what the framer delivers, and in the faults what
 * the line reported meanwhile; ended gets the reason. */
(() => {
  const yima = globalThis.yima;

  yima.watchSerial = async (port, baudRate, found, ended) => {
    await port.open({ baudRate, bufferSize: 4096 });
    const framer = new yima.Framer();
    const reported = new Set();
    const deliver = (all) => {
      for (const one of all) {
        found(one.payload, one.first, one.last, [...one.faults, ...reported]);
        reported.clear();
      }
    };
    const timer = setInterval(() => deliver(framer.silence(performance.now())), 20);
    let stopped = false;
    let reader = null;

    /* What one stream brings, up to its end. */
    const readAll = async (stream) => {
      reader = stream.getReader();
      try {
        for (;;) {
          const { value, done } = await reader.read();
          if (done) return;
          if (document.hidden) deliver(framer.silence(performance.now())); // then the timer comes once a second
          deliver(framer.feed(value, performance.now()));
        }
      } finally {
        reader.releaseLock();
      }
    };

    /* A break or a framing error, as another speed brings, ends a stream and not the port, which has a new one then. */
    const readOn = async () => {
      for (let stream = port.readable; stream && !stopped; ) {
        try {
          await readAll(stream);
          return 'closed';
        } catch (error) {
          const next = port.readable;
          if (!next || next === stream) return error.message;
          reported.add(`the line reported ${error.name}`);
          stream = next;
        }
      }
      return 'closed';
    };

    (async () => {
      const why = await readOn();
      clearInterval(timer);
      deliver(framer.silence(Infinity)); // what had come before it was pulled out
      await port.close().catch(() => {});
      if (!stopped) ended(why);
    })();
    return async () => {
      stopped = true;
      await reader?.cancel().catch(() => {});
    };
  };
})();
