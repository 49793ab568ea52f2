/* Lost bytes put back, area by area, as the issuer's and the rider's signature say, where few are missing. */
"use strict";
((yima) => {
  const { LEAST, TEMPLATES, fits, range } = yima.diagnosing;
  const BUDGET = 20000; // signatures that are tried for a proof
  const MARK = "\x15"; // before a signature
  const LOST_MOST = 2; // in one area; of more there are too many ways to try

  /* {code, isAll}: the code, if one was found, and whether every way was tried. */
  function restored(data, size, kind, proof) {
    const c = size - LEAST;
    if (kind.list.length > 2 || !proof.canPutBack) return { code: null, isAll: false };
    const form = TEMPLATES.get(size);
    const ends = [198 + c, 263 + c, size];
    let isAll = size - data.length <= LOST_MOST;
    for (const losses of splits(data, size, ends)) {
      let begin = 0;
      const areas = losses.map((lost, area) => {
        const start = area ? ends[area - 1] : 0;
        const piece = data.slice(begin, begin + ends[area] - start - lost);
        begin += piece.length;
        return putBack(piece, form.slice(start, ends[area]), lost, kind);
      });
      const [heads, signatures, tails] = areas;
      const isTooMuch = heads.length * signatures.length > BUDGET || tails.length > BUDGET;
      isAll &&= !isTooMuch;
      const code = isTooMuch || areas.some((area) => !area.length) ? null : holding(heads, signatures, tails, proof);
      if (code !== null) return { code, isAll: true };
    }
    return { code: null, isAll };
  }

  function holding(heads, signatures, tails, proof) {
    for (const head of heads) {
      for (const signature of signatures) {
        if (proof.issuerHolds(head + signature + tails[0])) {
          return tails.map((tail) => head + signature + tail).find(proof.riderHolds) ?? null;
        }
      }
    }
    return null;
  }

  /* How many are lost in each area, two at most, for every way in which the signatures' marks fit. The second mark
     stands four bytes within its area: where these may be lost as well, it is not asked for. */
  function splits(data, size, ends) {
    const gone = size - data.length;
    const found = [];
    for (const first of range(0, Math.min(gone, LOST_MOST) + 1)) {
      for (const second of range(0, Math.min(gone - first, LOST_MOST) + 1)) {
        const third = gone - first - second;
        const marks = [ends[0] - first, ...(third ? [] : [ends[1] + 4 - first - second])];
        if (third <= LOST_MOST && marks.every((at) => data[at] === MARK)) found.push([first, second, third]);
      }
    }
    return found;
  }

  /* Every way in which the lost bytes can stand in an area, that its form allows. */
  function putBack(piece, form, lost, kind) {
    const found = new Set(lost ? [] : [piece]);
    const letters = kind.list.map((value) => String.fromCharCode(value));
    const insert = (code, left, most) => {
      if (!left) {
        if (fits(form, code)) found.add(code);
        return;
      }
      for (const at of range(0, most + 1)) {
        for (const letter of letters) insert(code.slice(0, at) + letter + code.slice(at), left - 1, at);
      }
    };
    if (lost) insert(piece, lost, piece.length);
    return [...found];
  }

  Object.assign(yima.diagnosing, { restored });
})(globalThis.yima);
