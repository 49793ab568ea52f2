/* Bytes that were taken for text of one character set and written in another, and back again.

   As yima.sdk.bench.charsets; the tables are Python's own, in causes.js. Of the sets with several bytes a character only
   what single-byte sets hold is there: a code's bytes are text in none of them, so no code was taken for such text whole;
   but what was taken for Latin letters may be written in one. */
"use strict";
((yima) => {
  const { bytesOf, codes, fromHex, tables } = yima.diagnosing;
  const MANY = 8; // bytes over 7F, all of them well-formed UTF-8, are no chance
  const LOST = "\ufffd";
  const SINGLE = new Map(Object.entries(tables.single).map(([name, upper]) => [name, lower() + upper]));
  const NUMBERS = new Map(
    [...SINGLE].map(([name, table]) => [name, new Map(Array.from(table, (letter, byte) => [letter, byte]))]),
  );
  const MULTI = new Map(Object.entries(tables.multi).map(([name, letters]) => [name, letterTable(letters)]));

  function lower() {
    return Array.from({ length: 128 }, (_, byte) => String.fromCharCode(byte)).join("");
  }

  /* "hex" of each letter's bytes to the letter. */
  function letterTable(letters) {
    return new Map(Object.entries(letters).map(([hex, letter]) => [fromHex(hex), letter]));
  }

  /* The bytes for which a set has no character. */
  const EMPTY = Object.values(tables.empty).map((kind) => kind.map((byte) => String.fromCharCode(byte)));

  function decoded(data, name) {
    if (name === "utf-8") {
      try {
        const whole = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
        return whole.decode(bytesOf(data), { stream: true }); // it may be cut in the middle of a character
      } catch {
        return null;
      }
    }
    return name.startsWith("utf-16") ? decodedPairs(data, name === "utf-16-le") : decodedLetters(data, MULTI.get(name));
  }

  function decodedPairs(data, isLittle) {
    if (data.length % 2) return null;
    let text = "";
    for (let at = 0; at < data.length; at += 2) {
      const [one, other] = [data.charCodeAt(at), data.charCodeAt(at + 1)];
      text += String.fromCharCode(isLittle ? one | (other << 8) : (one << 8) | other);
    }
    return /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text) ? null : text;
  }

  /* null where a character is none that a single-byte set has: nobody can have taken a code for it. */
  function decodedLetters(data, letters) {
    let text = "";
    for (let at = 0; at < data.length; ) {
      const isLetter = (count) => letters.has(data.slice(at, at + count));
      const size = data.charCodeAt(at) < 0x80 ? 1 : [1, 2, 3, 4].find(isLetter);
      if (size === undefined) return null;
      const piece = data.slice(at, at + size);
      text += letters.get(piece) ?? piece;
      at += size;
    }
    return text;
  }

  function fromText(text, name) {
    if (text === null) return null;
    const numbers = NUMBERS.get(name);
    let data = "";
    for (const letter of text) {
      const byte = numbers.get(letter);
      if (byte === undefined) return null;
      data += String.fromCharCode(byte);
    }
    return data;
  }

  /* What is left when every layer of UTF-8 over Latin-1 is taken off, and how many there were. */
  function utf8Layers(data) {
    for (let layers = 0; ; layers++) {
      const inner = fromText(decoded(data, "utf-8"), "latin-1");
      if (inner === null || inner === data) return [data, layers];
      data = inner;
    }
  }

  /* Everything these bytes may have been, likeliest first: {data, takenFor, written, times}. */
  function* undone(data) {
    const seen = new Set([data]);
    const [inner, times] = utf8Layers(data);
    if (times) {
      seen.add(inner);
      yield { data: inner, takenFor: "latin-1", written: "utf-8", times };
    }
    for (const written of ["utf-8", "utf-16-le", "utf-16-be", ...MULTI.keys(), ...SINGLE.keys()]) {
      const table = SINGLE.get(written);
      const came = table ? codes(data).map((byte) => table[byte]).join("") : decoded(data, written);
      const text = came && came.replace(/^\ufeff/, ""); // a byte order mark
      if (text === null || [...text].filter((one) => one > "\x7f").length < MANY) continue; // of one byte sets tell anything
      for (const takenFor of SINGLE.keys()) {
        const before = fromText(text, takenFor);
        if (before !== null && !seen.has(before)) {
          seen.add(before);
          yield { data: before, takenFor, written, times: 1 };
        }
      }
    }
  }

  /* Whether this is UTF-8 with characters from all over: what is left of bytes when those that are no text go. */
  function isTextWithGaps(data) {
    const text = decoded(data, "utf-8");
    return Boolean(text) && [...SINGLE.keys()].every((name) => fromText(text, name) === null);
  }

  /* How many characters stand where something was that is no text: U+FFFD in UTF-8 or UTF-16. */
  function replaced(data) {
    const texts = ["utf-8", "utf-16-le", "utf-16-be"].map((written) => decoded(data, written));
    const counts = texts.filter((text) => text !== null).map((text) => text.split(LOST).length - 1);
    return counts.length ? Math.max(...counts) : data.split("\xef\xbf\xbd").length - 1;
  }

  Object.assign(yima.diagnosing, { EMPTY, MANY, SINGLE, isTextWithGaps, replaced, undone, utf8Layers });
})(globalThis.yima);
