/* Codes whose bytes were put in another order, written twice, escaped by a protocol or typed on another keyboard, put
   right again: as yima.sdk.bench.rewritten; each answer is {data, cause, detail}. */
"use strict";
((yima) => {
  const { MARK, SINGLE, SlipError, bytesOf, codes, isAscii, range, stripped, tables, unpaste } = yima.diagnosing;
  const CARD = "YIMA CARD";
  const hasMark = (data) => data.includes(MARK) || data.includes(CARD);
  const PACKET = 64;
  const TEXT_MOST = 1 << 12;
  const NAMED = new RegExp(`[<[{](${tables.controls.join("|")})[>\\]}]|\\xe2\\x90([\\x80-\\x9f])`, "g");
  const CARET = /\^([@-_])/g;
  /* One after the other, for a writer uses one of the two: of `{\xad]` the brackets may be the code's own. */
  const HEX_BYTES = [/\\x([0-9A-Fa-f]{2})/g, /[<[{](?:0x|\\x)?([0-9A-Fa-f]{2})[>\]}]/g];
  const ENTITY = /&(?:#([0-9]{1,3})|#[xX]([0-9a-fA-F]{1,2})|(amp|lt|gt|quot|apos));/g;
  const ENTITIES = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };
  const INSIDE = /(?:[0-9a-fA-F]{2}[ :,-]?){40,}|[0-9a-zA-Z+/_-]{80,}={0,2}|(?:%[0-9a-fA-F]{2}|[0-9a-zA-Z_.~-]){80,}/g;

  const backwards = (string) => [...string].reverse().join("");
  const inPieces = (data, size) =>
    range(0, Math.ceil(data.length / size)).map((at) => data.slice(at * size, (at + 1) * size));

  /* Everything that these bytes may have been, likeliest first. */
  function* rewritten(data, proof) {
    for (const [inner, cause, detail] of [...twice(data), ...reordered(data), ...escaped(data), ...named(data)]) {
      if (inner !== data && hasMark(inner)) yield { data: inner, cause, detail };
    }
    yield* typed(data, proof);
    if (!/[^\t-\r ][^]* [^]*[^\t-\r ]/.test(data) || data.includes("+") || data.length > TEXT_MOST || !isAscii(data)) return;
    const found = pastedBytes(stripped(data).replaceAll(" ", "+"));
    if (found && hasMark(found)) yield { data: found, cause: "base64-text", detail: "+ became a blank: write %2B" };
  }

  /* Digits or base64 of a code somewhere in a text: a line of a log, a link, a tag. */
  function* inside(text) {
    for (const [found] of text.slice(0, TEXT_MOST).matchAll(INSIDE)) {
      const run = found.replace(/[ :,]+$/, "");
      if (run !== stripped(text) && hasMark(pastedBytes(run) ?? "")) {
        yield { data: run, cause: "framed", detail: "other text around" };
      }
    }
  }

  function* twice(data) {
    const every = (parity) => [...data].filter((_, at) => at % 2 === parity).join("");
    if (data.length > 1 && every(0) === every(1)) yield [every(0), "repeated-piece", "every byte came twice"];
    for (const times of [2, 3, 4]) {
      const piece = data.slice(0, Math.floor(data.length / times));
      if (piece && data === piece.repeat(times)) yield [piece, "repeated-piece", `the whole came ${times} times`];
    }
  }

  function* reordered(data) {
    yield [backwards(data), "byte-order", "the last byte came first"];
    const swapped = codes(backwards(data)).map((byte) => String.fromCharCode((byte >> 4) | ((byte & 15) << 4))).join("");
    yield [swapped, "byte-order", "the last hex digit came first"];
    const turned = codes(data).map((byte) => parseInt(backwards(byte.toString(2).padStart(8, "0")), 2));
    const turnedBits = turned.map((byte) => String.fromCharCode(byte)).join("");
    yield [turnedBits, "byte-order", "the bits of every byte are in reverse order"];
    for (const size of [2, 4, 8]) {
      const words = inPieces(data, size).map(backwards).join("");
      yield [words, "byte-order", `words of ${size} bytes are in the other byte order`];
    }
    const pieces = inPieces(data, PACKET);
    for (const at of range(0, pieces.length - 1)) {
      const swapped = [...pieces.slice(0, at), pieces[at + 1], pieces[at], ...pieces.slice(at + 2)].join("");
      yield [swapped, "byte-order", `packets ${at} and ${at + 1} of ${PACKET} bytes are swapped`];
    }
  }

  function* escaped(data) {
    const cause = "byte-stuffing";
    if (data.endsWith("\xc0")) {
      const bare = data.replace(/^\xc0+|\xc0+$/g, "");
      yield [bare.replaceAll("\xdb\xdc", "\xc0").replaceAll("\xdb\xdd", "\xdb"), cause, "SLIP"];
    }
    const flagged = data.endsWith("~") ? data.replace(/^~+|~+$/g, "") : data;
    const xored = flagged.replace(/\}([^])/g, (_, letter) => String.fromCharCode(letter.charCodeAt(0) ^ 0x20));
    yield [xored, cause, "7D before a byte xor 20"];
    const bare = data.startsWith("\x10\x02") ? data.slice(2).replace(/\x10\x03$/, "") : data;
    yield [bare.replaceAll("\x10\x10", "\x10"), cause, "DLE (10) is doubled"];
    const telnet = data.replaceAll("\xff\xff", "\xff");
    yield [telnet, cause, "FF is doubled: telnet, or a terminal's PARMRK"];
    yield [telnet.replaceAll("\r\0", "\r"), cause, "FF is doubled and 0D became 0D 00: telnet"];
    yield [data.replaceAll("\\\\", "\\"), cause, "5C is doubled"];
  }

  function* named(data) {
    const plain = data.replace(NAMED, (_, name, sign) =>
      String.fromCharCode(name ? tables.controls.indexOf(name) : sign.charCodeAt(0) & 0x1f));
    yield [plain, "control-bytes-replaced", "names or signs of control characters for their bytes"];
    const caret = data.replace(CARET, (_, sign) => String.fromCharCode(sign.charCodeAt(0) & 0x1f));
    yield [caret, "control-bytes-replaced", "names or signs of control characters for their bytes"];
    const byteOf = (_, digits) => String.fromCharCode(parseInt(digits, 16));
    for (const written of HEX_BYTES) yield [data.replace(written, byteOf), "escaped-text", "some bytes in hex"];
    const character = (entity, decimal, hex, name) => {
      if (name) return ENTITIES[name];
      const number = decimal ? Number(decimal) : parseInt(hex, 16);
      return number < 256 ? String.fromCharCode(number) : entity;
    };
    yield [data.replace(ENTITY, character), "escaped-text", "HTML or XML entities"];
  }

  /* Hex or base64 that a scanner in keyboard mode typed for another keyboard. */
  function* typed(data, proof) {
    if (data.length > TEXT_MOST || data.includes("\0")) return;
    const text = stripped(lettersOf(data));
    for (const [detail, came, meant] of tables.layouts) {
      const pairs = [...came].map((letter, at) => [letter, meant[at]]);
      const letters = new Map(isUpper(meant) ? [...pairs, ...pairs.map(([one, other]) => [other, one])] : pairs);
      const meantText = [...text].map((letter) => letters.get(letter) ?? letter).join("");
      const found = meantText !== text && isAscii(meantText) ? pastedBytes(meantText) : null;
      if (found && (proof.isProved(found) || found.startsWith(CARD))) yield { data: found, cause: "keyboard-layout", detail };
    }
  }

  const isUpper = (text) => /^[A-Z]+$/.test(text);

  function lettersOf(data) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytesOf(data));
    } catch {
      return codes(data).map((byte) => SINGLE.get("cp1252")[byte]).join("");
    }
  }

  function pastedBytes(text) {
    try {
      return unpaste(text)?.data ?? null;
    } catch (error) {
      if (!(error instanceof SlipError)) throw error;
      return null;
    }
  }

  Object.assign(yima.diagnosing, { inside, rewritten });
})(globalThis.yima);
