/* Bytes out of the texts in which people pass them on: dumps, arrays, strings, lists, base64, in whatever wrapping.

   As yima.sdk.bench.pasted: a text is one of these forms as a whole or none of them, and what is a form but for a slip
   is refused with the slip. */
"use strict";
((yima) => {
  const { SlipError, bytesOf, bytesOfDump, codes, familyOf, fromHex, isAscii, stringOf, stripped, tables } =
    yima.diagnosing;
  const DEPTH = 4; // a JSON string that holds a quoted data URI of base64 is three deep
  const BASE64_LEAST = 24; // characters; shorter ones are words as well
  const B = "\\t-\\r\\x1c- "; // what Python takes for a blank in ASCII
  const whole = (pattern, flags = "") => new RegExp(`^(?:${pattern})$`, flags);

  const MAKER = "(?:bytes|bytearray|Buffer\\.from|memoryview|unhexlify)?(?:\\.fromhex)?";
  const CALL = whole(`[${B}]*${MAKER}\\(([^]*)\\)[${B}]*`);
  const BYTES = whole(`[${B}]*[bB][rR]?(?:'[^\\n]*'|"[^\\n]*")[${B}]*`);
  const DATA_URI = whole("data:[\\w.+/-]*((?:;[\\w.=+-]+)*),([\\x00-\\x7f]*)");
  const BRACES = whole(`[^{}]*\\{([^{}]*)\\}[${B}]*;?(?:[^{}"]*=[${B}]*\\d+[${B}]*;)?[${B}]*`);
  const COMMENTS = /\/\/[^\n]*|\/\*[^]*?\*\//g;
  const LEFT_OFF = "(?:\\.\\.\\. \\d+ more bytes?)?";
  const SQL = whole(
    `[xX]'([0-9a-fA-F${B}]*)'|\\\\\\\\?x([0-9a-fA-F]{4,})|<(?:Buffer )?([0-9a-fA-F${B}]+)${LEFT_OFF}>`,
  );
  const each = (open, close) => `(?:${open}[0-9a-fA-F]{2}${close}[${B}]*){2,}`;
  const EACH = whole([each("\\[", "\\]"), each("<", ">"), each("\\(", "\\)")].join("|"));
  const BASE32 = whole("[A-Z2-7]{40,}={0,6}|[a-z2-7]{40,}={0,6}");
  const LETTERS_32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  const LETTERS_45 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
  const BASE45 = whole("[0-9A-Z $%*+./:-]{40,}");
  const ESCAPE = /\\x[0-9a-fA-F]{1,2}|\\u00[0-9a-fA-F]{2}|\\[0-7]{1,3}|\\[abefnrtv\\'"?/]|[^\\\n\r]/g;
  const SIMPLE = Object.fromEntries([..."abefnrtv\\'\"?/"].map((key, at) => [key, "\x07\b\x1b\f\n\r\t\v\\'\"?/"[at]]));
  const STRINGS = whole(`[${B}]*(?:[\\w${B}\\[\\]*]*=)?[${B}]*((?:"(?:[^"\\\\]|\\\\[^])*"[${B}]*)+);?[${B}]*`);
  const PERCENT = whole("(?:%[0-9a-fA-F]{2}|[!-$&-~])+");
  const PRINTABLE = whole("(?:=[0-9a-fA-F]{2}|=\\r?\\n|[ -<>-~\\t])+");
  const SEPARATED = new RegExp(`[${B},;:|_.-]+`);
  const HEX_TOKEN = whole("(?:0[xX]|\\\\x|[xX$#]|&[hH])?([0-9a-fA-F]+)[hH]?[uU]?");
  const NUMBERS = whole(`[${B}\\[({]*-?\\d{1,3}(?:[${B},;]+-?\\d{1,3})+[${B},;\\])}]*`);
  const BASE64 = /^[0-9a-zA-Z+/_-]+={0,2}$/;
  const ARMOUR = whole(`-----BEGIN [^-\\n]+-----[${B}]*([^]*?)[${B}]*-----END [^-\\n]+-----`);
  const INTEGER = /^[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|0(?:_?0)*|[1-9](?:_?[0-9])*)$/;
  const LETTER = /^'(?:[^'\\\n\r]|\\(?:x[0-9a-fA-F]{2}|[0-3]?[0-7]{1,2}|[abfnrtv\\'"]))'$/;
  const LITERAL = /[bB]([rR]?)(?:'''([^]*?)'''|"""([^]*?)"""|'((?:[^'\\]|\\[^])*)'|"((?:[^"\\]|\\[^])*)")[ \t]*/y;
  const OF_NUMBERS = "number-list";

  const bytes = (numbers) => String.fromCharCode(...numbers.map((number) => number & 255));
  const unblanked = (text) => text.replace(/[\t-\r\x1c- \x85\xa0]/g, "");
  const pasted = (data, form, cause) => ({ data, form, cause });

  /* ASCII out of UTF-8 or UTF-16, with or without a BOM; null for anything else. */
  function textOf(data) {
    if (data.startsWith("\xef\xbb\xbf")) return ascii(data.slice(3));
    if (data.startsWith("\xff\xfe")) return letters(data.slice(2), 0);
    if (data.startsWith("\xfe\xff")) return letters(data.slice(2), 1);
    if (ascii(data) !== null) return data;
    return data.length < 4 ? null : (letters(data, 0) ?? letters(data, 1));
  }

  const ascii = (text) => (isAscii(text) && !text.includes("\0") ? text : null);

  /* Every second byte, of which the others are all zero. */
  function letters(data, parity) {
    const every = [...data];
    const isWide = data.length % 2 === 0 && every.every((letter, at) => at % 2 === parity || letter === "\0");
    return isWide ? ascii(every.filter((_, at) => at % 2 === parity).join("")) : null;
  }

  /* {data, form, cause}; null if the text is no such form. Throws SlipError for one with a slip in it. */
  function unpaste(text, depth = DEPTH) {
    const bare = stripped(text);
    for (const reader of READERS) {
      const found = reader(bare, depth);
      if (found?.data) return found;
    }
    return null;
  }

  function dump(text) {
    const data = bytesOfDump(text);
    return data === null ? null : pasted(data, "hex dump", "hex-text");
  }

  function dataUri(text) {
    const match = DATA_URI.exec(text);
    if (!match) return null;
    const body = unquoted(match[2]);
    if (!match[1].includes(";base64")) return pasted(body, "data URI", "percent-encoded");
    const found = fromBase64(unblanked(body));
    if (found === null) throw new SlipError("uri");
    return pasted(found, "data URI", "base64-text");
  }

  /* What Python and its relatives print: b'…', bytes.fromhex('…'), bytearray([…]). */
  function literal(text, depth) {
    const call = CALL.exec(text);
    if (call && depth) return unpaste(stripped(call[1]).split(", 'hex'")[0].split(", 'base64'")[0], depth - 1);
    if (!BYTES.test(text)) return null;
    let data = "";
    for (LITERAL.lastIndex = 0; LITERAL.lastIndex < text.length; ) {
      const match = LITERAL.exec(text);
      const body = match?.slice(2).find((one) => one !== undefined) ?? null;
      const piece = body === null || /[\0\r\n\x80-\uffff]/.test(body) ? null : match[1] ? body : escapes(body);
      if (piece === null) throw new SlipError("literal");
      data += piece;
      if (LITERAL.lastIndex === 0) break;
    }
    return pasted(data, "bytes literal", "escaped-text");
  }

  /* As Python reads them; null where one is none. */
  function escapes(body) {
    const sound = /^(?:[^\\]|\\(?:x[0-9a-fA-F]{2}|[0-3][0-7]{0,2}|[4-7][0-7]?(?![0-7])|[abfnrtv\\'"]))*$/;
    if (!sound.test(body)) return null;
    return body.replace(/\\(x..|[0-7]{1,3}|[^])/g, (_, what) => {
      if (what[0] === "x") return fromHex(what.slice(1));
      return /[0-7]/.test(what[0]) ? bytes([parseInt(what, 8)]) : SIMPLE[what];
    });
  }

  function json(text, depth) {
    if (!/^[{["]/.test(text) || !depth) return null;
    try {
      return inJson(JSON.parse(text.replace(NO_INTEGERS, withoutFractions)), depth - 1);
    } catch (error) {
      if (error instanceof SlipError) throw error;
      return null;
    }
  }

  /* 1.0 is no whole number to Python and one to JavaScript; neither stands for a byte. */
  const NO_INTEGERS = /"(?:[^"\\]|\\[^])*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|NaN|-?Infinity/g;
  const withoutFractions = (token) => (token[0] !== '"' && /[.eEN]|In/.test(token) ? "null" : token);

  /* The longest thing in it that stands for bytes. */
  function inJson(value, depth) {
    if (typeof value === "string") {
      const found = unpaste(value, depth);
      const isBytes = /^[\x00-\xff]+$/.test(value) && /[\x00-\x1f\x7f-\xa0\xad]/.test(value);
      return found ?? (isBytes ? pasted(value, "JSON string", "escaped-text") : null);
    }
    if (typeof value !== "object" || value === null) return null;
    const inside = Object.values(value);
    const isByte = (one) => one === true || one === false || (Number.isInteger(one) && -128 <= one && one <= 255);
    if (Array.isArray(value) && value.length && value.every(isByte)) {
      return pasted(bytes(value.map(Number)), "JSON array", OF_NUMBERS);
    }
    if (depth <= 0) return null;
    return inside.map((one) => inJson(one, depth - 1)).reduce(longer, null);
  }

  const longer = (best, one) => (one !== null && (best === null || one.data.length > best.data.length) ? one : best);

  /* An array of C or Java: a declaration or not, numbers of any base, comments. */
  function array(text) {
    const match = BRACES.exec(text.replace(COMMENTS, " "));
    if (!match) return null;
    const numbers = stripped(match[1], " \t\r\n,").split(new RegExp(`[${B},]+`)).map((word) => {
      const number = word.replace(/^\(byte\)|[uUlL]+$/g, "");
      if (LETTER.test(number)) return escapes(number.slice(1, -1)).charCodeAt(0);
      if (!INTEGER.test(number)) return NaN;
      const digits = number.replace(/_|^[+-]/g, "");
      return (number[0] === "-" ? -1 : 1) * Number(digits);
    });
    return numbers.every((one) => -128 <= one && one <= 255) ? pasted(bytes(numbers), "C array", OF_NUMBERS) : null;
  }

  /* X'8001' of SQL, \x8001 of PostgreSQL, <80015b24> of Apple's, <Buffer 80 01> of Node's, which may leave off; and
     [80][01] or <80><01> of terminal programs. */
  function wrappedHex(text) {
    if (EACH.test(text)) return pasted(pairs(text.replace(/[^0-9a-fA-F]/g, "")), "hex", "hex-text");
    const match = SQL.exec(text);
    return match ? pasted(pairs(unblanked(match[1] || match[2] || match[3] || "")), "hex", "hex-text") : null;
  }

  function quoted(text, depth) {
    const isQuoted = text.length > 2 && text[0] === text.at(-1) && "\"'`".includes(text[0]) && !text.includes("\\");
    return depth && isQuoted ? unpaste(text.slice(1, -1), depth - 1) : null;
  }

  /* \x80\x01$… in one string, in several of C, or in none. */
  function escaped(text) {
    const strings = STRINGS.exec(text);
    const inner = strings && [...strings[1].matchAll(/"((?:[^"\\]|\\[^\n])*)"/g)].map((match) => match[1]).join("");
    const body = inner ?? stripped(text, "'");
    if (!/\\x|\\u00|\\[0-3][0-7][0-7]/.test(body)) return null;
    const pieces = body.match(ESCAPE) ?? [];
    if (pieces.join("") !== body || !isAscii(body)) return null;
    return pasted(pieces.map(unescaped).join(""), "escaped string", "escaped-text");
  }

  function unescaped(piece) {
    if (piece.length === 1) return piece;
    if ("xu".includes(piece[1])) return bytes([parseInt(piece.slice(2), 16)]);
    return /\d/.test(piece[1]) ? bytes([parseInt(piece.slice(1), 8)]) : SIMPLE[piece[1]];
  }

  function percent(text) {
    if (text.split("%").length > 4 && PERCENT.test(text) && !/^[a-zA-Z]+:\/\//.test(text)) {
      const spaced = text.includes("%20") ? text : text.replaceAll("+", "%20"); // as forms are sent
      return pasted(unquoted(spaced), "percent-encoded", "percent-encoded");
    }
    if ((text.match(/=[0-9A-F]{2}/g) ?? []).length < 16 || !PRINTABLE.test(text)) return null;
    const data = text.replace(/=(?:\r?\n|([0-9a-fA-F]{2}))/g, (_, digits) => (digits ? fromHex(digits) : ""));
    return pasted(data, "quoted-printable", "percent-encoded");
  }

  /* Decimal numbers; such as are all of two digits are hex. */
  function numbers(text) {
    if (!NUMBERS.test(text)) return null;
    const words = text.match(/-?\d+/g);
    if (words.every((word) => word.length === 2) || !words.every((word) => -128 <= word && word <= 255)) return null;
    return pasted(bytes(words.map(Number)), "number list", OF_NUMBERS);
  }

  /* Digits, in pairs or not, with whatever stands between and around them. */
  function hex(text) {
    const words = stripped(text.replace(/\\x(?=[0-9a-fA-F]{2})/g, " "), " ,;:|_.-").split(SEPARATED);
    const tokens = words.map((word) => HEX_TOKEN.exec(word));
    if (!tokens.every(Boolean)) return null;
    let digits = tokens.map((token) => token[1]);
    const arePairs = digits.length > 1 && digits.every((word) => word.length <= 2);
    if (arePairs) digits = digits.map((word) => word.padStart(2, "0"));
    const isOdd = digits.length > 1 && digits.some((word) => word.length % 2);
    if (isOdd && !whole(`[${B}0-9a-fA-F]+`).test(text)) return null;
    return pasted(pairs(digits.join("")), "hex", "hex-text");
  }

  function base32(text) {
    const body = unblanked(text).replace(/=+$/, "");
    if (!BASE32.test(body) || [1, 3, 6].includes(body.length % 8)) return null;
    const bits = [...body.toUpperCase()].map((letter) => LETTERS_32.indexOf(letter).toString(2).padStart(5, "0"));
    const octets = bits.join("").match(/.{8}/g).map((octet) => parseInt(octet, 2));
    return pasted(octets.map((octet) => String.fromCharCode(octet)).join(""), "base32", "base32-text");
  }

  /* RFC 9285: three letters, the lowest first, for two bytes; two for one. */
  function base45(text) {
    if (!BASE45.test(text) || text.length % 3 === 1) return null;
    let data = "";
    for (let at = 0; at < text.length; at += 3) {
      const values = [...text.slice(at, at + 3)].map((letter, place) => LETTERS_45.indexOf(letter) * 45 ** place);
      const sum = values.reduce((one, other) => one + other, 0);
      if (sum >> (8 * (values.length - 1))) return null;
      data += values.length === 3 ? String.fromCharCode(sum >> 8, sum & 255) : String.fromCharCode(sum);
    }
    return pasted(data, "base45", "base45-text");
  }

  function base64(text) {
    const body = unblanked(ARMOUR.exec(text)?.[1] ?? text);
    const data = body.length >= BASE64_LEAST ? fromBase64(body) : null;
    return data === null ? null : pasted(data, "base64", "base64-text");
  }

  function pairs(digits) {
    if (digits.length % 2) throw new SlipError("odd");
    return fromHex(digits);
  }

  function fromBase64(text) {
    if (!BASE64.test(text)) return null;
    const body = text.replace(/=+$/, "").replaceAll("-", "+").replaceAll("_", "/");
    return body.length % 4 === 1 ? null : atob(body);
  }

  const unquoted = (text) => text.replace(/%([0-9a-fA-F]{2})/g, (_, digits) => fromHex(digits));

  const READERS = [
    dataUri, dump, wrappedHex, literal, json, array, quoted, numbers, hex, escaped, percent, base32, base45, base64,
  ];

  /* What a file or a paste holds, no picture: {bytes, form}, or {problem}. */
  yima.payload = (given) => {
    const data = stringOf(given);
    const text = data.length <= tables.limits.text ? textOf(data) : null;
    const line = text?.replace(/[\r\n]+$/, "");
    try {
      const found = text === null ? null : familyOf(line) !== "unknown" ? pasted(line, "raw") : unpaste(line);
      const { data: payload, form } = found ?? pasted(data, "raw");
      const problem = !payload ? "empty" : payload.length > tables.limits.payload ? "long" : null;
      return problem ? { problem: tables.slips[problem] } : { bytes: bytesOf(payload), form };
    } catch (error) {
      if (!(error instanceof SlipError)) throw error;
      return { problem: error.problem };
    }
  };

  yima.pasted = (text) => yima.payload(new TextEncoder().encode(text));

  Object.assign(yima.diagnosing, { textOf, unpaste });
})(globalThis.yima);
