/* Codes of which every byte of one kind became another in its place: as yima.sdk.bench.mapped. */
"use strict";
((yima) => {
  const { TEMPLATES, codes, fits, fromHex, misfits, tables, values } = yima.diagnosing;
  const MAPPINGS = tables.mappings.map(([cause, detail, hex]) => ({ cause, detail, becomes: codes(fromHex(hex)) }));

  /* [cause, detail]; null if these are no code of which some bytes became others. */
  function mapped(data) {
    if (!misfits(data)) return null; // another size, or a code as it is
    const size = data.length - 3;
    for (const { cause, detail, becomes } of MAPPINGS) {
      const head = [size >> 8, size & 255, 0x24, 1, 1, 0, 0];
      if (head.some((byte, at) => data.charCodeAt(at + 1) !== becomes[byte])) continue;
      const form = TEMPLATES.get(data.length).map((allowed) => values(allowed.list.map((byte) => becomes[byte])));
      if (fits(form, data)) return [cause, detail];
    }
    return null;
  }

  Object.assign(yima.diagnosing, { mapped });
})(globalThis.yima);
