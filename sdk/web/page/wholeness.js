/* Whether bytes are a whole ministry code, how much of its shape they have, and what family they are of.

   As yima.sdk.bench.wholeness and the core's families.c. Bytes are strings here in which each letter is one byte. */
"use strict";
((yima) => {
  const LEAST = 332;
  const MOST = 364;
  const DATA_MOST = 32;
  const TAG = 0x15;

  const bytesOf = (string) => Uint8Array.from(string, (letter) => letter.charCodeAt(0));
  const stringOf = (bytes) => {
    let string = "";
    for (let at = 0; at < bytes.length; at += 4096) {
      string += String.fromCharCode(...bytes.subarray(at, at + 4096));
    }
    return string;
  };
  const codes = (string) => Array.from(string, (letter) => letter.charCodeAt(0));
  const big = (string) => codes(string).reduce((number, byte) => number * 256 + byte, 0);
  const little = (string) => codes(string).reverse().reduce((number, byte) => number * 256 + byte, 0);
  const isAscii = (string) => /^[\x00-\x7f]*$/.test(string);
  const fromHex = (digits) => digits.replace(/../g, (pair) => String.fromCharCode(parseInt(pair, 16)));
  const range = (from, to) => Array.from({ length: Math.max(to - from, 0) }, (_, at) => from + at);

  /* A set of byte values: `has[value]`, and the values in order. */
  const values = (list) => {
    const has = new Uint8Array(256);
    for (const value of list) has[value] = 1;
    return { has, list: range(0, 256).filter((value) => has[value]) };
  };

  const ANY = values(range(0, 256));
  const pairs = range(0, 10).flatMap((high) => range(0, 10).map((low) => (high << 4) | low));
  const DIGIT_PAIRS = values(pairs);
  const PADDED_PAIRS = values([...pairs, ...range(0, 10).map((high) => (high << 4) | 15), 0xff]);
  const PRINTABLE = values(range(0x20, 0x7f));
  const YEARS = values(range(0x50, 0xa0)); // 2012 to 2055

  /* Of each byte of a sound code of that many bytes, the values it can have. */
  const template = (size) => {
    const c = size - LEAST;
    const form = new Array(size).fill(ANY);
    const set = (from, to, what) => form.fill(what, from, to);
    form[0] = values([0x80, 0x81]);
    [(size - 3) >> 8, (size - 3) & 255, 0x24, 1, 1, 0, 0].forEach((byte, at) => (form[1 + at] = values([byte])));
    form[9] = values([0x12]);
    set(10, 14, DIGIT_PAIRS);
    form[14] = values([...range(1, 10), 0x10, 0x11, 0x12]);
    form[15] = DIGIT_PAIRS;
    [form[19], form[20], form[21], form[22]] = [[4], [0, 4], [0], [33]].map(values);
    form[23] = form[158] = values([2, 3]);
    set(120, 136, PRINTABLE);
    set(136, 146, PADDED_PAIRS);
    set(146, 154, DIGIT_PAIRS);
    form[155] = values([0, 1]); // nobody may ride for more than 1310.72 yuan
    form[197] = values([c]);
    form[198 + c] = form[267 + c] = values([TAG]);
    form[191] = form[263 + c] = YEARS;
    return form;
  };
  const TEMPLATES = new Map(range(LEAST, MOST + 1).map((size) => [size, template(size)]));

  /* The ministry's layout without the 55 that the unified platform puts before it. */
  const bare = (data) => (data[0] === "\x55" && data.charCodeAt(1) >= 0x80 ? data.slice(1) : data);

  const isShaped = (data) => {
    const code = bare(data);
    const c = code.length - LEAST;
    const at = (place) => code.charCodeAt(place);
    return (
      0 <= c && c <= DATA_MOST && big(code.slice(1, 3)) + 3 === code.length && at(3) === 0x24 && at(197) === c &&
      at(198 + c) === TAG && at(267 + c) === TAG
    );
  };

  /* Whether every byte has a value that it can have; shift: so many bytes are missing before. */
  const fits = (form, data, shift = 0) => {
    for (let place = 0; place < data.length; place++) {
      if (!form[place + shift].has[data.charCodeAt(place)]) return false;
    }
    return true;
  };

  /* How many bytes have a value that they cannot have; null for a size that no code has. */
  const misfits = (code) => {
    const form = TEMPLATES.get(code.length);
    return form ? codes(code).filter((byte, place) => !form[place].has[byte]).length : null;
  };

  /* The signatures, asked of the core: `whole(bytes)` says whether all that a code carries hold; `signed(key, message,
     signature)`, where it is given, whether one does. Only with the latter are lost bytes put back. */
  const proofs = (whole, signed) => {
    const known = new Map();
    const holds = (...pieces) => signed(...pieces.map(bytesOf));
    const issuerHolds = (code) => {
      const c = code.length - LEAST;
      return holds(code.slice(23, 56), code.slice(3, 198 + c), code.slice(199 + c, 263 + c));
    };
    const riderHolds = (code) => {
      const c = code.length - LEAST;
      return holds(code.slice(158, 191), code.slice(0, 267 + c), code.slice(268 + c, 332 + c));
    };
    const asked = signed ? (code) => riderHolds(code) && issuerHolds(code) : (code) => Boolean(whole(bytesOf(code)));
    const isProved = (data) => {
      if (!known.has(data)) known.set(data, isShaped(data) && asked(bare(data)));
      return known.get(data);
    };
    return { isProved, issuerHolds, riderHolds, canPutBack: Boolean(signed) };
  };

  const isDigits = (data) => /^[0-9]+$/.test(data);

  const isMinistry = (data) => {
    if (data.length < 4) return false;
    const marks = [data.charCodeAt(0) >= 0x80, big(data.slice(1, 3)) + 3 === data.length, data[3] === "\x24"];
    return marks.filter(Boolean).length >= 2;
  };

  /* By the first bytes; nothing is verified. */
  const familyOf = (data) => {
    const [first, second, , fourth] = codes(data.slice(0, 4));
    const isOld = data.length >= 226 && (first === 0x40 || first >= 0x80) && fourth <= 1;
    if (isOld && data[90] === "\x15" && data[161] === "\x15") return "ministry-226";
    if (isMinistry(data)) return "ministry";
    if (/^https:\/\/s\.sh\.gov\.cn\/[0-9]{4}/.test(data)) return "suishen";
    if (/^https?:\/\//i.test(data)) return "suishen-hall";
    if (data.length < 2) return "unknown";
    if (first === 0x55 && isMinistry(data.slice(1))) return "unified";
    if (data.startsWith("62") && isDigits(data)) return "unionpay";
    if (data.startsWith("TX")) return "wechat";
    if (first === 0x54 && (second === 1 || second === 2)) return "city-card";
    if ((first === 1 || first === 2) && (second === 1 || second === 2)) return "alipay";
    return "unknown";
  };

  Object.assign((yima.diagnosing ??= {}), {
    ANY, LEAST, MOST, TEMPLATES, bare, big, bytesOf, codes, familyOf, fits, fromHex, isAscii, isShaped, little, misfits,
    proofs, range, stringOf, values,
  });
})((globalThis.yima ??= {}));
