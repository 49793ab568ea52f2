/* The calibration card: one symbol that holds every byte once. What a scanner makes of it names what it does to codes.

   As yima.sdk.bench.card. yima.card: its bytes. yima.diagnoseCard(bytes) answers as yima.diagnose does, or null if
   these bytes are not of it. */
"use strict";
((yima) => {
  const { answer, bytesOf, codes, isMere, proofs, range, replaced, statesOf, stringOf, tables, told } = yima.diagnosing;
  const HEAD = "YIMA CARD 1 ";
  const TAIL = " YIMA";
  const CARD = `${HEAD}${String.fromCharCode(...range(0, 256))}${TAIL}`;
  const KINDS = tables.kinds.map(([cause, , kind]) => ({ cause, kind: kind.join() }));

  yima.card = bytesOf(CARD);

  yima.diagnoseCard = (bytes) => {
    let near = null;
    let within = null;
    for (const { payload, steps } of statesOf(stringOf(bytes), proofs(() => false))) {
      if (payload === CARD) return told(answer(CARD, steps, true));
      if (payload.includes(CARD)) within ??= answer(CARD, [...steps, { cause: "framed" }], true);
      if (near === null || near.steps.at(-1).cause === "undetermined") {
        const found = changed(payload) ?? lost(payload);
        const says = found && !isMere(found.cause, steps) && (near === null || found.cause !== "undetermined");
        if (says) near = answer(payload, [...steps, found], false);
      }
    }
    return (within ?? near) && told(within ?? near);
  };

  /* Bytes of one kind that became others, in their places. */
  function changed(payload) {
    const becomes = (hex) => codes(CARD).map((byte) => hex.slice(2 * byte, 2 * byte + 2)).join("");
    const hexed = codes(payload).map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const found = tables.mappings.find(([, , hex]) => hexed === becomes(hex));
    return found ? { cause: found[0], detail: found[1] } : null;
  }

  /* By the bytes that do not come any more, or come too often; null if these are not of the card. */
  function lost(payload) {
    if (!payload.startsWith("YIMA") || !payload.slice(0, 12).includes("CARD")) return null;
    const headless = payload.startsWith(HEAD) ? payload.slice(HEAD.length) : payload;
    const body = headless.endsWith(TAIL) ? headless.slice(0, -TAIL.length) : headless;
    const came = new Set(codes(body));
    const missing = range(0, 256).filter((byte) => !came.has(byte));
    const dropped = [...CARD].filter((letter) => !missing.includes(letter.charCodeAt(0))).join("");
    const said = missing.length ? `missing: ${ranges(missing)}` : "";
    const kind = KINDS.find((one) => one.kind === missing.join())?.cause;
    const countOf = (letter) => body.split(letter).length - 1;
    const seven = range(0, 256).map((byte) => String.fromCharCode(byte & 0x7f)).join("");
    const areLineEnds = missing.length > 0 && missing.every((byte) => byte === 0x0a || byte === 0x0d);
    const isReplaced = missing.join() === "29" && countOf("]") === 2;
    const answers = [
      [replaced(payload) >= 3 || countOf("?") > 16, "charset-replaced", said],
      [body === seven, "seven-bit", "the eighth bit is stripped"],
      [kind !== undefined && dropped.endsWith(body + TAIL), kind, said], // nothing else is changed
      [isReplaced, "control-bytes-replaced", "1D became 5D"],
      [areLineEnds, "newline-translated", said],
      [CARD.startsWith(payload), "cut", `${payload.length} of ${CARD.length} bytes came`],
    ];
    const [, cause, detail] = answers.find(([isSo]) => isSo) ?? [true, "undetermined", said];
    return { cause, detail };
  }

  /* `00, 11, 80-FF`. */
  function ranges(bytes) {
    const hex = (byte) => byte.toString(16).toUpperCase().padStart(2, "0");
    const starts = bytes.filter((byte) => !bytes.includes(byte - 1));
    const ends = bytes.filter((byte) => !bytes.includes(byte + 1));
    return starts.map((low, at) => (low === ends[at] ? hex(low) : `${hex(low)}-${hex(ends[at])}`)).join(", ");
  }
})(globalThis.yima);
