/* Hex dumps with addresses, as xxd, hexdump, od, PowerShell and packet sniffers print them.

   As yima.sdk.bench.dumps: the addresses say how many bytes a line has and whether one is missing. */
"use strict";
((yima) => {
  const { fromHex, tables } = yima.diagnosing;
  const BLANK = "[\\t-\\r\\x1c- ]"; // what Python takes for a blank in ASCII
  const LINE = new RegExp(`^(${BLANK}*(?:0x)?)([0-9a-fA-F]{4,16})(:?)(${BLANK}+|$)([^\\n]*)$`);
  const FIRST = new RegExp(`^${BLANK}*(?:0x)?[0-9a-fA-F]+:?${BLANK}+[0-9a-fA-F]{2}`);
  const WORD = new RegExp(`[0-9a-fA-F]{2,8}(?=${BLANK}|$)`, "y");
  const NUMBER = new RegExp(`^[0-9a-fA-F]{4}(?:${BLANK}|$)`);
  const SIZE_MOST = tables.limits.dump;

  /* A form with a slip in it: which, by its name in the table. */
  class SlipError extends Error {
    constructor(name) {
      super(tables.slips[name].en);
      this.problem = tables.slips[name];
    }
  }

  const isBlank = (letter) => (letter >= "\t" && letter <= "\r") || (letter >= "\x1c" && letter <= " ");

  /* Without blanks, or without any of `letters`, at its ends. */
  function stripped(text, letters = null, isStart = true) {
    const goes = letters === null ? isBlank : (letter) => letters.includes(letter);
    let [start, end] = [0, text.length];
    while (isStart && start < end && goes(text[start])) start++;
    while (end > start && goes(text[end - 1])) end--;
    return text.slice(start, end);
  }

  /* The bytes; null if the text is no dump with addresses. Throws SlipError where a line is missing. */
  function bytesOfDump(text) {
    const ends = /\r\n|[\n-\r\x1c-\x1e\x85\u2028\u2029]/;
    const lines = text.split(ends).map((line) => stripped(line, null, false)).filter(Boolean);
    const begin = lines.findIndex((line) => address(line, 16) === 0);
    const dump = lines.slice(begin);
    if (begin < 0 || begin > 4 || !dump.every((line) => line === "*" || LINE.test(line))) return null;
    if (dump.length === 1 && !FIRST.test(dump[0])) return null;
    for (const base of [16, 8]) {
      const data = read(dump, base);
      if (data !== null) return data;
    }
    throw new SlipError("dump");
  }

  /* null where the addresses do not follow from the lines in this base. */
  function read(lines, base) {
    let [found, previous, repeats, column] = ["", "", false, 0];
    for (const [place, line] of lines.entries()) {
      if (line === "*") {
        repeats = true;
        continue;
      }
      const start = address(line, base);
      if (start === null || start > SIZE_MOST) return null;
      while (repeats && previous && found.length < start) found += previous;
      if (start !== found.length) return null;
      repeats = false;
      const after = lines.slice(place + 1).find((other) => other !== "*");
      const following = after === undefined ? null : address(after, base);
      const isStar = lines[place + 1] === "*";
      const size = isStar ? previous.length : following === null ? null : following - start;
      let end;
      [previous, end] = bytesOfLine(line, size, column);
      if (size !== null && previous.length !== size) return null;
      column ||= end;
      found += previous;
    }
    return found;
  }

  function address(line, base) {
    const digits = LINE.exec(line)?.[2];
    return digits === undefined || (base === 8 && /[^0-7]/.test(digits)) ? null : parseInt(digits, base);
  }

  /* The bytes of a line, and the column at which their digits end. size: null for the last line, which ends at that
     column, at a bar, or where more than two blanks are. */
  function bytesOfLine(line, size, column) {
    const [, lead, digits, colon, blanks, rest] = LINE.exec(line);
    const isLast = size === null;
    const whole = isLast && line.includes("|") ? line.slice(0, line.indexOf("|")) : line;
    const isWords = NUMBER.test(rest) && !(lead + digits + colon).includes(":");
    let at = lead.length + digits.length + colon.length + blanks.length;
    let found = "";
    while (isLast || found.length < size) {
      WORD.lastIndex = at;
      const word = WORD.exec(whole)?.[0];
      if (!word || word.length % 2 || (isLast && column && at + word.length > column)) break;
      const piece = fromHex(word);
      found += isWords ? [...piece].reverse().join("") : piece; // hexdump prints numbers, the low byte first
      at += word.length;
      const gap = /^[\t-\r\x1c- ]*/.exec(whole.slice(at))[0].length;
      if (isLast && !column && gap > 1 && !line.includes("|") && found.length !== 8) break;
      at += gap;
    }
    if (isWords && !isLast) found = found.slice(0, size); // the last number is filled up with a zero
    return [found, stripped(whole.slice(0, at), null, false).length];
  }

  Object.assign(yima.diagnosing, { SlipError, bytesOfDump, stripped });
})(globalThis.yima);
