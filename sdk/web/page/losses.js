/* Codes of which bytes were lost or changed for good: which kind of loss fits, and, where few are missing, the proof.

   As yima.sdk.bench.losses; each answer is {cause, detail, restored, wholeUntilEnd}. */
"use strict";
((yima) => {
  const {
    ANY, EMPTY, LEAST, MARK, MOST, TEMPLATES, bare, big, codes, fits, isAscii, isShaped, isTextWithGaps, mapped,
    misfits, range, replaced, restored, tables, values,
  } = yima.diagnosing;
  const KINDS = tables.kinds.map(([cause, detail, kind, often]) => ({ cause, detail, kind: values(kind), often }));
  const CLEARLY = Math.log(4);
  const QUESTIONS = 5; // a code has 1.3
  const SAYING = 3; // a code lacks one certain byte in a case of four, three in one of fifty
  const LETTERS = 30; // a code of random bytes has 60
  const FILLED = 12; // zeros at the end of a signature are no chance

  const loss = (cause, detail = "", code = null) => ({ cause, detail, restored: code, wholeUntilEnd: false });
  const countOf = (data, letter) => data.split(letter).length - 1;
  const isSubset = (set, of) => set.list.every((value) => of.has[value]);

  /* What these bytes have lost if they are what is left of a ministry code; null if they do not look like that. */
  function lossOf(data, proof) {
    return changedInPlace(data) ?? sameSize(data, proof) ?? missing(data, proof) ?? resembling(data, proof);
  }

  /* What shows at every place of a code, and needs no signature. */
  const changedInPlace = (data) => folded(data) ?? lostText(data) ?? sevenBits(data) ?? mappedOnes(data);

  /* Of the letters of a code half are small: none in so many is no chance. */
  function folded(data) {
    if (!data.includes(MARK) || (data.match(/[A-Za-z]/g) ?? []).length < LETTERS) return null;
    if (!/[a-z]/.test(data)) return loss("case-folded", "to capitals");
    return /[A-Z]/.test(data) ? null : loss("case-folded", "to small letters");
  }

  function lostText(data) {
    const lost = replaced(data);
    if (lost >= 3 && (data.includes("$\x01\x01\0\0") || data.includes("$\0\x01\0\x01") || lost >= 40)) {
      return loss("charset-replaced", `${lost} times U+FFFD`);
    }
    const questions = countOf(data, "?");
    const isMany = data.length >= 100 && questions * 12 >= data.length;
    if (isMany && data.includes("$\x01\x01")) return loss("charset-replaced", `${questions} times ?`);
    const hasNone = (kind) => kind.length >= SAYING && !kind.some((letter) => data.includes(letter));
    if (isShaped(data) && questions >= QUESTIONS && EMPTY.some(hasNone) && !isAscii(data)) {
      return loss("charset-replaced", `${questions} times ?`);
    }
    const isText = data.includes(MARK) && data.length >= 100 && isTextWithGaps(data);
    return isText ? loss("charset-replaced", "what is no text was left out") : null;
  }

  function mappedOnes(data) {
    const found = mapped(data);
    return found && loss(...found);
  }

  const ones = (byte) => countOf(byte.toString(2), "1");

  /* All under 80 in a code's shape; or the eighth bit is each byte's parity. */
  function sevenBits(data) {
    const bare = codes(data).map((byte) => String.fromCharCode(byte & 0x7f)).join("");
    for (const [what, code] of [["stripped", data], ["parity", bare], ...[/\r\n$/, /\n$/, /\r$/].map((end) => ["parity", bare.replace(end, "")])]) {
      if (what === "parity" && new Set(codes(data).map((byte) => ones(byte) & 1)).size !== 1) continue;
      const form = TEMPLATES.get(code.length);
      if (!form || !isAscii(code) || code[3] !== "$" || big(code.slice(1, 3)) !== code.length - 3) continue;
      const isWrong = (byte, place) => !form[place].has[byte] && !form[place].has[byte | 0x80];
      if (codes(code).filter(isWrong).length <= 2) return loss("seven-bit", `the eighth bit is ${what}`);
    }
    return null;
  }

  /* Bytes changed in their places: one line end for the other, 5D for 1D. */
  function sameSize(data, proof) {
    const wrong = misfits(data);
    if (!isShaped(data) && wrong !== null && wrong > 4) return null;
    for (const [cause, detail, now, before] of [
      ["newline-translated", "0D became 0A", "\n", "\r"],
      ["newline-translated", "0A became 0D", "\r", "\n"],
      ["control-bytes-replaced", "1D became 5D", "]", "\x1d"],
    ]) {
      const places = range(0, data.length).filter((place) => data[place] === now);
      if (data.includes(before) || places.length > 10) continue;
      for (const count of range(1, places.length + 1)) {
        for (const chosen of combinations(places, count)) {
          const code = [...data].map((letter, place) => (chosen.includes(place) ? before : letter)).join("");
          if (proof.isProved(code)) return loss(cause, detail, code);
        }
      }
    }
    return null;
  }

  /* Bytes of one kind are missing, or the end is. */
  function missing(data, proof) {
    const pairs = collapsedPairs(data, proof);
    if (pairs) return pairs;
    const fitting = [];
    const tried = [];
    for (const { cause, detail, kind, often } of KINDS) {
      const isPart = tried.some((wider) => kind.list.length < wider.list.length && isSubset(kind, wider));
      if (isPart || codes(data).some((byte) => kind.has[byte])) continue;
      tried.push(kind);
      for (const size of sizes(data)) {
        if (!fitsWithout(data, size, kind) || areTooMany(data.length, size, kind)) continue;
        const said = `${detail}: ${size - data.length} bytes`;
        const { code, isAll } = restored(data, size, kind, proof);
        if (code !== null) return loss(cause, said, code);
        if (isAll) continue; // they were put back in every way, and no signature holds: something else is missing
        const isCertain = TEMPLATES.get(size).some((allowed) => isSubset(allowed, kind));
        fitting.push([Math.log(often) + likelihood(data.length, size, kind), cause, said, isCertain]);
      }
    }
    const cut = cutOff(data);
    const dropsNone = ([, cause]) => cause !== "nul-dropped" && cause !== "control-bytes-dropped";
    if (cut?.wholeUntilEnd && fitting.every(dropsNone)) return cut; // nothing is missing before the end
    if (!fitting.length) return cut;
    fitting.sort(downwards);
    const [best, ...others] = fitting;
    const rivals = others.filter(([likely, cause]) => cause !== best[1] && best[0] - likely < CLEARLY);
    if (best[3] && !rivals.length) return loss(best[1], best[2]);
    return loss("undetermined", `perhaps ${[...new Set([best, ...rivals].map(([, , said]) => said))].sort().join(" or ")}`);
  }

  function downwards(one, other) {
    const at = range(0, one.length).find((place) => one[place] !== other[place]);
    return at === undefined ? 0 : one[at] < other[at] ? 1 : -1;
  }

  /* What the whole code's size may be: the length field's word where it is there, else any that is longer. */
  function sizes(data) {
    const said = big(data.slice(1, 3)) + 3;
    if (data[1] === "\x01" && LEAST <= said && said <= MOST) return said > data.length ? [said] : [];
    return data.length >= 60 ? range(Math.max(LEAST, data.length + 1), MOST + 1) : [];
  }

  /* Whether data is a code of that size without its bytes of that kind. ways[j]: so far j can be missing. */
  function fitsWithout(data, size, kind) {
    const lost = size - data.length;
    const bytes = codes(data);
    const ways = new Uint8Array(lost + 1);
    ways[0] = 1;
    for (const [place, allowed] of TEMPLATES.get(size).entries()) {
      const mayDrop = allowed.list.some((value) => kind.has[value]);
      const mustDrop = isSubset(allowed, kind);
      let isOpen = false;
      for (let j = lost; j >= 0; j--) {
        const isKept = ways[j] && !mustDrop && (allowed === ANY || allowed.has[bytes[place - j] ?? 256]);
        ways[j] = isKept || (j > 0 && mayDrop && ways[j - 1]) ? 1 : 0;
        isOpen ||= ways[j] === 1;
      }
      if (!isOpen) return false;
    }
    return ways[lost] === 1;
  }

  /* Log of how likely it is that so many of a code's free bytes are of the kind, and the rest are not. */
  function likelihood(left, size, kind) {
    const form = TEMPLATES.get(size);
    const free = form.filter((allowed) => allowed === ANY).length;
    const forced = form.filter((allowed) => isSubset(allowed, kind)).length;
    const part = kind.list.length / 256;
    const lost = Math.max(size - left - forced, 0);
    return lost * Math.log(part) + Math.max(free - lost, 0) * Math.log1p(-part);
  }

  /* Whether so many of the kind are no chance in a code; of 00 a field may be full. */
  function areTooMany(left, size, kind) {
    if (kind.has[0]) return false;
    const form = TEMPLATES.get(size);
    const forced = form.filter((allowed) => isSubset(allowed, kind)).length;
    const usual = (form.filter((allowed) => allowed === ANY).length * kind.list.length) / 256;
    return size - left - forced > 3 * usual + 4;
  }

  /* The beginning of a code, or a code of which whole packets are missing in the middle or at the start. */
  function cutOff(data) {
    if (data.length < 4) return null;
    const said = big(data.slice(1, 3)) + 3;
    const came = data.replace(/\0+$/, "");
    const isFilled = LEAST <= said && said <= Math.min(MOST, data.length) && came.length + FILLED <= said;
    if (isFilled && fits(TEMPLATES.get(said), came)) {
      return { ...loss("cut", `${came.length} of ${said} bytes came, the rest is 00`), wholeUntilEnd: true };
    }
    if (LEAST <= said && said <= MOST && data.length < said && data.charCodeAt(0) >= 0x80 && data[1] === "\x01") {
      const form = TEMPLATES.get(said);
      if (fits(form, data)) return { ...loss("cut", `${data.length} of ${said} bytes came`), wholeUntilEnd: true };
      const gone = said - data.length;
      const isGap = (at) => fits(form, data.slice(0, at)) && fits(form, data.slice(at), at + gone);
      const at = range(0, data.length).find(isGap);
      if (at !== undefined) return loss("cut", `${gone} bytes are missing around byte ${at}`);
    }
    if (data.length <= 150) return null;
    const longer = range(Math.max(LEAST, data.length + 1), MOST + 1);
    const size = longer.find((one) => fits(TEMPLATES.get(one), data, one - data.length));
    return size === undefined ? null : loss("cut", `the first ${size - data.length} bytes are missing`);
  }

  /* Whole in shape though no signature holds, or near to a shape. */
  function resembling(data, proof) {
    if (isShaped(data)) {
      const code = bare(data);
      const isMasked = /^\0*$/.test(code.slice(158, 191));
      if (isMasked) return loss("whole", "its signatures do not hold: a capture left the accounts out");
      if (!proof.canPutBack || proof.riderHolds(code) || proof.issuerHolds(code)) {
        return loss("whole", "its signatures do not hold: forged, or single bytes changed");
      }
      return loss("undetermined", "neither signature holds: forged, or bytes changed");
    }
    const wrong = misfits(data);
    const isHeaded = data.slice(3, 8) === "$\x01\x01\0\0" && data.length > 40;
    return (wrong !== null && wrong <= 8) || isHeaded ? loss("undetermined") : null;
  }

  /* The pair 0D 0A that became one of the two. */
  function collapsedPairs(data, proof) {
    for (const size of sizes(data)) {
      for (const [one, detail] of [["\n", "0D 0A became 0A"], ["\r", "0D 0A became 0D"]]) {
        const places = range(0, data.length).filter((place) => data[place] === one);
        const gone = size - data.length;
        if (gone > places.length || waysToChoose(places.length, gone) > 200 || data.includes("\r\n")) continue;
        for (const chosen of combinations(places, gone)) {
          const code = [...data].map((letter, place) => (chosen.includes(place) ? "\r\n" : letter)).join("");
          if (proof.isProved(code)) return loss("newline-translated", detail, code);
        }
      }
    }
    return null;
  }

  const waysToChoose = (of, count) => range(0, count).reduce((ways, at) => (ways * (of - at)) / (at + 1), 1);

  /* Every way to choose so many, in the order of the list. */
  function* combinations(list, count, from = 0) {
    if (count === 0) yield [];
    for (let at = from; count > 0 && at <= list.length - count; at++) {
      for (const rest of combinations(list, count - 1, at + 1)) yield [list[at], ...rest];
    }
  }

  Object.assign(yima.diagnosing, { changedInPlace, lossOf });
})(globalThis.yima);
