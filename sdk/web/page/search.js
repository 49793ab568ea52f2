'use strict';
/* The diagnosis beside the page: it may try thousands of signatures, so it runs in a worker. One from a file cannot be
 * started where the page lies on a disk; the build packs its scripts into packed_search.js, and a blob starts it.
 *
 * yima.search(payload, baud) resolves to the first answer of yima.diagnose, or to null where a newer search took its
 * place or yima.giveUp() ended it. baud: of the line that brought it; 0: none. */
(() => {
  const yima = (globalThis.yima ??= {});
  let address, worker, giveUp;
  let newest = 0;

  const prepare = () =>
    (address ??= (async () => {
      const source = await yima.core.unpacked(yima.packed.search);
      const parts = [`globalThis.yima = { packed: { core: '${yima.packed.core}' } };\n`, source];
      return URL.createObjectURL(new Blob(parts, { type: 'text/javascript' }));
    })());

  const end = () => {
    worker?.terminate();
    worker = null;
  };

  yima.giveUp = () => {
    newest++;
    giveUp?.();
  };

  yima.search = async (payload, baud = 0) => {
    yima.giveUp();
    const mine = newest;
    const script = await prepare();
    if (mine !== newest) return null;
    worker ??= new Worker(script);
    return new Promise((resolve, reject) => {
      giveUp = () => {
        end();
        giveUp = null;
        resolve(null);
      };
      worker.onmessage = ({ data }) => {
        giveUp = null;
        if (data.found) resolve(data.found);
        else reject(new Error(data.problem));
      };
      worker.onerror = (event) => {
        end();
        giveUp = null;
        reject(new Error(event.message));
      };
      worker.postMessage({ payload, baud });
    });
  };
})();
