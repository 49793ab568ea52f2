/* What scanners, drivers and decoders put around and between the bytes of a code, taken off again.

   As yima.sdk.bench.packets; each answer is {data, cause, detail}. */
"use strict";
((yima) => {
  const { LEAST, MOST, big, codes, isShaped, little, range } = yima.diagnosing;
  const MARK = "\x24\x01\x01\x00\x00"; // the certificate's header and service id
  const REPORT = 64;
  const ID_MOST = 0x1f;
  const PIECE_LEAST = 8;
  const KNOWN = [
    ["AT", "AT (ModemManager)"], ["\x02", "STX"], ["]Q", "AIM identifier"], ["\\0000", "ECI"], ["\x06", "ACK"],
    ["\x16", "SYN"], ["\xef\xbb\xbf", "BOM"],
  ];
  const BEHIND = [["\r\n", "CR LF"], ["\r", "CR"], ["\n", "LF"], ["\x03", "ETX"], ["\t", "TAB"], ["\0", "NUL"]];

  const letters = (numbers) => numbers.map((number) => String.fromCharCode(number)).join("");
  const inPieces = (data, size) =>
    range(0, Math.ceil(data.length / size)).map((at) => data.slice(at * size, (at + 1) * size));

  /* Everything that these bytes may hold, likeliest first. */
  function* unpacked(data) {
    yield* hidReports(data);
    yield* withIds(data);
    yield* ssi(data);
    yield* withoutLength(data);
    yield* framed(data);
    yield* codewords(data);
    yield* once(data);
    if (data) {
      yield { data: letters(codes(data).map((byte) => byte ^ 0xff)), cause: "bit-inverted" };
      yield { data: letters(codes(data).map((byte) => (byte >> 4) | ((byte & 15) << 4))), cause: "nibble-swapped" };
    }
  }

  /* Report id, length, AIM identifier, 56 bytes, two of the maker's, and whether more follow; some drivers take the id
     off, some scanners leave the identifier out. */
  function* hidReports(data) {
    for (const [size, header] of [[64, 5], [63, 4], [64, 2], [64, 1], [63, 1]]) {
      if (data.length < size || data.length % size) continue;
      const reports = inPieces(data, size);
      const at = header === 5 || header === 2 ? 1 : 0;
      const lengths = reports.map((report) => report.charCodeAt(at));
      if (header >= 4 && !reports.every((report) => report[at + 1] === "]")) continue;
      const isFilled = lengths.every((length) => 0 < length && length <= size - header);
      if (isFilled && new Set(lengths.slice(0, -1)).size <= 1) {
        const pieces = reports.map((report, place) => report.slice(header, header + lengths[place]));
        yield { data: pieces.join(""), cause: "hid-pos", detail: `${reports.length} reports` };
      }
    }
  }

  /* Reports of which each still has its id, and no length: as a program reads them that takes them for data. */
  function* withIds(data) {
    const reports = inPieces(data, REPORT);
    const id = data.charCodeAt(0);
    if (data.length <= 3 * REPORT || new Set(reports.map((report) => report[0])).size !== 1) return;
    if (id < 1 || id > ID_MOST) return; // scanners number their few reports from 1: the byte is the data's own
    const inner = reports.map((report) => report.slice(1)).join("");
    if (inner.includes(MARK)) yield { data: inner, cause: "hid-pos", detail: "report ids were left in" };
  }

  /* Length, F3, source, status, symbology, data, two bytes of sum; the length leaves the sum out. */
  function* ssi(data) {
    for (const header of [5, 4]) {
      let [at, found, packets] = [0, "", 0];
      while (at + header <= data.length && data[at + 1] === "\xf3" && data.charCodeAt(at) >= header) {
        const length = data.charCodeAt(at);
        const packet = data.slice(at, at + length);
        const total = data.slice(at + length, at + length + 2);
        const sum = codes(packet).reduce((one, other) => one + other, 0);
        if (total.length === 2 && (sum + big(total)) & 0xffff) break;
        found += packet.slice(header);
        at += length + 2;
        packets += 1;
      }
      if (packets && at >= data.length) yield { data: found, cause: "ssi-packets", detail: `${packets} packets` };
    }
  }

  function* withoutLength(data) {
    for (const size of [1, 2, 3, 4]) {
      for (const [order, number] of [["big", big], ["little", little]]) {
        const said = number(data.slice(0, size));
        for (const tail of range(0, 5)) {
          const isRight = said === data.length - size - tail || said === data.length - tail;
          if (said && isRight && data.length > size + tail) {
            const inner = data.slice(size, data.length - tail);
            yield { data: inner, cause: "length-prefixed", detail: `${size} bytes, ${order} end first` };
          }
        }
      }
    }
  }

  /* A code somewhere among these bytes; else what is left without the usual prefix and suffix. */
  function* framed(data) {
    for (let at = data.indexOf(MARK); at >= 0; at = data.indexOf(MARK, at + 1)) {
      for (const lead of [3, 4]) {
        const start = at - lead;
        const size = big(data.slice(Math.max(at - 2, 0), at)) + lead;
        const isInside = start >= 0 && LEAST <= size && size <= MOST + 1 && data.length > size;
        if (isInside && isShaped(data.slice(start, start + size))) yield frame(data, start, start + size);
      }
    }
    const prefix = KNOWN.find(([mark]) => data.startsWith(mark))?.[0] ?? "";
    let start = { "]Q": 3, "\\0000": 7 }[prefix] ?? prefix.length;
    if (prefix === "AT") start += /^[\r\n]*/.exec(data.slice(2, 4))[0].length;
    const end = data.length - (BEHIND.find(([mark]) => data.endsWith(mark))?.[0].length ?? 0);
    if (start >= end) return;
    if (end < data.length) yield frame(data, 0, end);
    if (start) yield frame(data, start, data.length);
    if (start) yield frame(data, start, end);
  }

  function frame(data, start, end) {
    const [before, behind] = [data.slice(0, start), data.slice(end)];
    const words = [];
    const prefix = KNOWN.find(([mark]) => before.startsWith(mark));
    const suffix = BEHIND.find(([mark]) => behind === mark);
    if (before) words.push(`${prefix?.[1] ?? `${before.length} bytes`} before`);
    if (behind) words.push(`${suffix?.[1] ?? `${behind.length} bytes`} behind`);
    const [code, detail] = [data.slice(start, end), words.join(", ")];
    const inverse = letters(codes(before.slice(1, 3)).map((byte) => byte ^ 0xff));
    if (before.length === 5 && inverse === before.slice(3)) {
      return { data: code, cause: "compressed", detail: "raw deflate, stored as it was" };
    }
    const others = [before, behind].map((other) => other.replace(/^[\r\n]+|[\r\n]+$/g, ""));
    if (others.some((other) => isPiece(other, code))) return { data: code, cause: "repeated-piece", detail };
    const digits = /^([0-9A-Fa-f]{2,6})[ ,:;]?$/.exec(before)?.[1] ?? "";
    if ((/^\d+$/.test(digits) && Number(digits) === code.length) || parseInt(digits, 16) === code.length) {
      return { data: code, cause: "length-prefixed", detail };
    }
    const isLength = (number) => number === end - start || number === data.length;
    const lengths = before.length > 6 ? [] : range(0, before.length - 1).map((at) => before.slice(at, at + 2));
    const hasLength = lengths.some((pair) => isLength(big(pair)) || isLength(little(pair)));
    const cause = hasLength ? "length-prefixed" : before === "\xef\xbb\xbf" ? "bom" : "framed";
    return { data: code, cause, detail };
  }

  /* Whether what stands beside a code is the code once more, or its beginning or end. */
  const isPiece = (other, code) =>
    other.length >= PIECE_LEAST && (other.includes(code) || code.startsWith(other) || code.endsWith(other));

  /* Byte mode is 4, then a count of 16 bits (8 in small symbols), then bytes that begin in the middle of one. */
  function* codewords(data) {
    const nibbles = codes(data).flatMap((byte) => [byte >> 4, byte & 15]);
    const number = (from, to) => nibbles.slice(from, to).reduce((one, half) => one * 16 + half, 0);
    let at = 0;
    while (nibbles[at] === 7 || nibbles[at] === 3) at += nibbles[at] === 7 ? 3 : 5; // ECI, structured append
    if (nibbles[at] !== 4) return;
    for (const digits of [4, 2]) {
      const begin = at + 1 + digits;
      const count = number(at + 1, begin);
      if (count >= PIECE_LEAST && nibbles.length >= begin + 2 * count) {
        const inner = range(0, count).map((place) => number(begin + 2 * place, begin + 2 * place + 2));
        yield { data: letters(inner), cause: "codewords" };
      }
    }
  }

  /* A code that is too long by a piece that stands twice, one behind the other. */
  function* once(data) {
    const size = big(data.slice(1, 3)) + 3;
    const more = data.length - size;
    if (size < LEAST || size > MOST || more < PIECE_LEAST) return;
    const isTwice = (at) => data.slice(at, at + more) === data.slice(at + more, at + 2 * more);
    const from = range(0, data.length - 2 * more + 1).find(isTwice);
    if (from !== undefined) {
      const inner = data.slice(0, from) + data.slice(from + more);
      yield { data: inner, cause: "repeated-piece", detail: `${more} bytes from byte ${from} on` };
      return;
    }
    const pieces = inPieces(data, REPORT);
    for (const [place, piece] of pieces.slice(0, -1).entries()) {
      if (piece === pieces[place + 1]) {
        const inner = pieces.filter((_, other) => other !== place).join("");
        yield { data: inner, cause: "repeated-piece", detail: `packet ${place}` };
      }
    }
  }

  Object.assign(yima.diagnosing, { MARK, framed, unpacked });
})(globalThis.yima);
