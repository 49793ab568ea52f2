/* What some bytes are, what happened to them on the way, and what cures it: as yima.sdk.bench.diagnosis.

   yima.diagnose(bytes, whole, {signed, baud}) -> [{cause, proved, bytes, detail, harmless, note, cure}], note and cure
   {en, zh}.
   - The first is the answer, and its bytes are the payload as far as it could be had; each further one is a step that
     led there, from the outside in, where there were several, and its bytes are null.
   - whole(bytes): whether the issuer's and the rider's signature of these bytes hold. signed(key, message, signature):
     one SM2 signature, of bytes; where it is given, it is asked instead, and lost bytes are put back.
   - baud: the speed of the line they came over, where it is known.
   Any bytes of any length give an answer; nothing in it but `bytes` quotes the input. */
"use strict";
((yima) => {
  const {
    MANY, MARK, SlipError, bytesOf, changedInPlace, codes, familyOf, framed, inside, lossOf, mismatch, proofs, rewritten, stringOf, tables,
    textOf, undone, unpacked, unpaste, utf8Layers,
  } = yima.diagnosing;
  const DEPTH = 3;
  const STATES = 600;
  const SIZE_MOST = 1 << 14;
  const MODEMS = /^(?:AT(?:\+[A-Z]+\??|[EIQVZ][0-9]?|&[A-Z][0-9]?)?[\r\n]*)+$/;
  const MODEMS_DETAIL = "AT alone: ModemManager asks for a modem, stop it";
  const SIGNED = new Set(["ministry", "unified", "unknown"]);
  const DUBIOUS = new Set(["bit-inverted", "nibble-swapped", "charset-reencoded", "codewords", "byte-order"]);

  const PACKED = [
    ["\x1f\x8b\x08", "gzip"], ["PK\x03\x04", "zip"], ["\x78\x01", "zlib"], ["\x78\x9c", "zlib"], ["\x78\xda", "zlib"],
    ["\xfd7zXZ\0", "xz"], ["BZh", "bzip2"], ["\x28\xb5\x2f\xfd", "zstd"], ["\x04\x22\x4d\x18", "lz4"],
  ];
  const OPEN = new Set(["undetermined", "whole"]);

  const isHarmless = ({ cause }) => tables.causes[cause].harmless;

  function diagnosis(given, proof, baud) {
    const data = given.slice(0, SIZE_MOST);
    const states = [...statesOf(data, proof)];
    return whole(states, proof) ?? lost(states, proof) ?? surelyReencoded(data) ?? none(data, baud);
  }

  /* A code that is proved, something packed, or another family's code. */
  function whole(states, proof) {
    for (const { payload, steps } of states) {
      const packed = PACKED.find(([mark]) => payload.startsWith(mark));
      if (packed && steps.every(isHarmless)) {
        return answer(payload, [...steps, { cause: "compressed", detail: packed[1] }], false);
      }
      if (proof.isProved(payload)) return answer(payload, steps, true);
    }
    for (const { payload, steps } of states) {
      if (!SIGNED.has(familyOf(payload)) && steps.every(isHarmless)) return answer(payload, steps, false);
    }
    return null;
  }

  /* What the first of these has lost of which that can be told; else the first that at least looks like a code. */
  function lost(states, proof) {
    let leftOpen = null;
    for (const { payload, steps } of states) {
      if (!payload.includes(MARK) && !steps.every(isHarmless)) continue;
      const found = leftOpen === null ? lossOf(payload, proof) : changedInPlace(payload);
      if (found === null || isMere(found.cause, steps)) continue;
      const told = answer(found.restored ?? payload, [...steps, found], found.restored !== null);
      if (!OPEN.has(found.cause)) return told;
      leftOpen ??= told;
    }
    return leftOpen;
  }

  /* UTF-8 over Latin-1 shows by itself, whatever was written in it. */
  function surelyReencoded(data) {
    const [inner, layers] = utf8Layers(data);
    if (layers && codes(inner).filter((byte) => byte > 0x7f).length >= MANY) {
      return answer(inner, [{ cause: layers > 1 ? "double-utf8" : "utf8-reencoded" }], false);
    }
    return null;
  }

  /* Of bytes in which no code is seen. */
  function none(data, baud) {
    const rates = mismatch(data, baud);
    if (rates !== null) return answer(data, [{ cause: "baud-mismatch", detail: rates }], false);
    return answer(data, [{ cause: "not-a-code", ...(MODEMS.test(data) ? { detail: MODEMS_DETAIL } : {}) }], false);
  }

  /* Whether a loss says nothing since it is found behind something dubious: of inverted bits anything may be said. */
  const isMere = (cause, steps) => cause === "undetermined" && steps.some((step) => DUBIOUS.has(step.cause));

  function answer(payload, steps, proved) {
    const isAny = ({ cause }) => cause !== "whole";
    const { cause } = steps.find((step) => !isHarmless(step)) ?? steps.find(isAny) ?? { cause: "whole" };
    return { cause, proved, payload, steps };
  }

  /* The bytes, and everything that comes out when up to three things are undone; fewest first. */
  function* statesOf(data, proof) {
    const seen = new Set([data]);
    let level = [{ payload: data, steps: [] }];
    for (let depth = 0; depth <= DEPTH; depth++) {
      const following = [];
      for (const state of level) {
        yield state;
        if (proof.isProved(state.payload)) return;
        for (const { data: inner, ...step } of undoneOnce(state, proof)) {
          if (inner && !seen.has(inner) && seen.size < STATES) {
            seen.add(inner);
            following.push({ payload: inner, steps: [...state.steps, step] });
          }
        }
      }
      level = [...following.filter(({ steps }) => steps.every(isHarmless)),
        ...following.filter(({ steps }) => !steps.every(isHarmless))];
    }
  }

  /* What these bytes may be instead. Where something harmful was undone already, only what stands around the code is
     taken off, since of guesses upon guesses one fits anything. */
  function* undoneOnce({ payload, steps }, proof) {
    if (!steps.every(isHarmless)) {
      yield* framed(payload);
      return;
    }
    const text = textOf(payload);
    if (text !== null && text !== payload) yield { data: text, cause: "bom" };
    else if (text !== null && familyOf(payload) === "unknown") yield* unpasted(text);
    if (text !== null) yield* inside(text);
    yield* rewritten(payload, proof);
    yield* unpacked(payload);
    yield* reencoded(payload);
    if (!payload.includes("\r\n")) return;
    yield { data: payload.replaceAll("\r\n", "\n"), cause: "newline-translated", detail: "0A became 0D 0A" };
    yield { data: payload.replaceAll("\r\n", "\r"), cause: "newline-translated", detail: "0D became 0D 0A" };
    if (!payload.includes("\r\r\n")) return;
    yield { data: payload.replaceAll("\r\r\n", "\n"), cause: "newline-translated", detail: "0A became 0D 0D 0A" };
    yield { data: payload.replaceAll("\r\r\n", "\r"), cause: "newline-translated", detail: "0D became 0D 0D 0A" };
  }

  /* As it stands, or without its last letter or two where the text is cut in the middle of a byte. */
  function* unpasted(text) {
    const bare = text.replace(/[\t-\r\x1c- ]+$/, "");
    for (const given of [text, bare.slice(0, -1), bare.slice(0, -2)]) {
      try {
        const found = unpaste(given);
        if (found && (given === text || found.data.includes(MARK))) {
          yield { data: found.data, cause: found.cause, detail: found.form };
          return;
        }
      } catch (error) {
        if (!(error instanceof SlipError)) throw error;
      }
    }
  }

  function* reencoded(payload) {
    for (const { data, takenFor, written, times } of undone(payload)) {
      if (written === "utf-8" && takenFor === "latin-1") {
        yield { data, cause: times > 1 ? "double-utf8" : "utf8-reencoded", detail: times > 1 ? `${times} layers` : "" };
      } else {
        yield { data, cause: "charset-reencoded", detail: `taken for ${takenFor}, written as ${written}` };
      }
    }
  }

  function explained(cause, detail, proved, payload) {
    const { what, cure, harmless } = tables.causes[cause];
    return { cause, proved, bytes: payload === null ? null : bytesOf(payload), detail, harmless, note: what, cure };
  }

  function told({ cause, proved, payload, steps }) {
    const detail = steps.find((step) => step.cause === cause && step.detail)?.detail ?? "";
    const others = steps.length > 1 ? steps.map((step) => explained(step.cause, step.detail ?? "", false, null)) : [];
    return [explained(cause, detail, proved, payload), ...others];
  }

  yima.diagnose = (bytes, whole, { signed = null, baud = 0 } = {}) =>
    told(diagnosis(stringOf(bytes), proofs(whole, signed), baud));

  Object.assign(yima.diagnosing, { answer, isMere, statesOf, told });
})(globalThis.yima);
