'use strict';
/* A capture as `yima bench --capture` writes it and replay:FILE reads it: JSON Lines, an object a presentation. Masked:
 * accounts, the rider's key and the issuer's data of a ministry code are zeros; of other payloads no byte is kept. */
(() => {
  const yima = globalThis.yima;

  const kept = (payload, level) => {
    if (level === 'raw') return payload;
    if (level === 'shape' || !yima.core.shaped(payload)) return null;
    const at = yima.core.start(payload);
    const hidden = payload.slice();
    for (const [begin, end] of [[120, 146], [158, 191], [198, 198 + payload.length - at - 332]])
      hidden.fill(0, at + begin, at + end);
    return hidden;
  };

  yima.captured = (presentations, level = 'masked') =>
    presentations.map((shown) => {
      const payload = kept(shown.payload, level);
      const round = (ms) => Math.round(ms * 1000) / 1000;
      return `${JSON.stringify({ at_ms: round(shown.first), last_ms: round(shown.last), size: shown.payload.length,
        family: shown.family, cause: shown.cause, masked: level !== 'raw', faults: shown.faults,
        ...(payload && { payload: yima.hex(payload) }) })}\n`;
    }).join('');
})();
