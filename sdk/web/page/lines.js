/* A code read from a serial line at another speed than it was sent: what a receiver makes of its first bytes.

   As yima.sdk.bench.lines. Evidence is counted in bits: those that had to come out as they did, less what was free to
   choose on the way. A ratio of speeds is {above, below}, in lowest terms. */
"use strict";
((yima) => {
  const { MOST, codes, range, tables } = yima.diagnosing;
  const { rates: RATES, usual: USUAL, fixed: FIXED } = tables.line;
  const ENOUGH = 14; // bits: of chance, one in 16,384
  const ENOUGH_SHORT = 7; // where the number of bytes is right as well, and the speeds are usual ones
  const HEAD = 24;
  const COMPARED = 60;
  const NODES = 3000;
  const WAYS = ["resume", "at-once", "idle-first", "break", "drop"];

  const divisor = (one, other) => (other ? divisor(other, one % other) : one);
  const bitsOf = (value) => range(0, 8).map((bit) => (value >> bit) & 1);

  /* The line bit by bit: start 0, eight bits lowest first, stop 1; null where the code does not tell. */
  const LEVELS = range(0, 2 * HEAD).flatMap((place) => {
    const [value, mask] = FIXED[place] ?? [0, 0];
    return [0, ...bitsOf(value).map((bit, at) => ((mask >> at) & 1 ? bit : null)), 1];
  });

  /* [{above, below, usual}] from the smallest on. */
  function ratios(read) {
    const found = new Map();
    for (const sent of RATES) {
      for (const at of read ? [read] : RATES) {
        if (sent === at) continue;
        const common = divisor(sent, at);
        const [above, below] = [sent / common, at / common];
        const usual = Math.min(USUAL[sent] ?? -3, USUAL[at] ?? -3);
        const known = found.get(`${above}/${below}`);
        found.set(`${above}/${below}`, { above, below, usual: Math.max(known?.usual ?? -9, usual) });
      }
    }
    return [...found.values()].sort((one, other) => one.above * other.below - other.above * one.below);
  }

  /* The likeliest pair of speeds in words; null where these bytes do not begin as any would. */
  function mismatch(data, read = 0) {
    let [best, bestUsual, found] = [0, -10, null];
    const bytes = codes(data);
    for (const ratio of ratios(read)) {
      const { above, below, usual } = ratio;
      const isSlow = above > below;
      const isSized = 5 * data.length * above >= 2 * MOST * below && 10 * data.length * above <= 11 * MOST * below;
      if (isSlow && !isSized) continue;
      for (const way of WAYS) {
        const bits = isSlow
          ? new Search(bytes.slice(0, COMPARED), ratio, way).evidence()
          : Math.max(...[0x80, 0x81].map((version) => agreeing(bytes, predicted(ratio, way, version))));
        const enough = isSlow && usual > 0 ? ENOUGH_SHORT : ENOUGH;
        if (bits >= enough && (usual > bestUsual || (usual === bestUsual && bits > best))) {
          [best, bestUsual, found] = [bits, usual, ratio];
        }
      }
    }
    if (found === null) return null;
    const { above, below } = found;
    if (read) return `sent at about ${Math.floor((read * above) / below)}, read at ${read}`;
    return `sent at ${below === 1 ? above : `${above}/${below}`} of the speed at which it was read`;
  }

  /* How many known bits agree over the first bytes; 0 if one does not. */
  function agreeing(bytes, expected) {
    const both = expected.slice(0, bytes.length);
    if (both.some(([value, mask], at) => (bytes[at] ^ value) & mask)) return 0;
    return both.reduce((sum, [, mask]) => sum + bitsOf(mask).filter(Boolean).length, 0);
  }

  /* [value, mask of known bits] of the bytes that come first where a line is read too fast, up to where the code does
     not tell any more when the next one begins. */
  function predicted({ above, below }, way, version) {
    const levels = [0, ...bitsOf(version), ...LEVELS.slice(9)];
    const found = [];
    const twice = 2 * below; // one bit of the line, in the steps that are counted here
    const level = (moment) => levels[Math.floor(moment / twice)] ?? null;
    const isKnown = (bit) => bit !== null;
    let at = 0;
    while (found.length < COMPARED) {
      const samples = range(0, 10).map((k) => level(at + above * (2 * k + 1)));
      const inner = samples.slice(1, 9);
      let stop = samples[9];
      if (samples[0] === null || stop === null) break;
      if (samples[0] === 0 && !(way === "drop" && stop === 0)) {
        const sum = (bits) => bits.reduce((number, bit, k) => number + ((bit ? 1 : 0) << k), 0);
        found.push([sum(inner), sum(inner.map(isKnown))]);
      }
      if (samples[0] === 1) [at, stop] = [at - 18 * above, 1]; // half a bit later it is over: no start
      at += 19 * above;
      if (stop === 0 && way === "at-once") {
        at += above;
        continue;
      }
      let where = Math.floor(at / twice);
      const waits = way === "idle-first" || way === "drop" || (way === "break" && !inner.some(Boolean));
      if (stop === 0 && waits) while (levels[where] === 0) where++;
      while (where + 1 < levels.length && isKnown(levels[where]) && !(levels[where] === 1 && levels[where + 1] !== 1)) {
        where++;
      }
      if (levels[where] !== 1 || levels[where + 1] !== 0) break;
      at = (where + 1) * twice;
    }
    return found;
  }

  /* Whether a receiver can have made these bytes of the line, by trying what the line leaves open. */
  class Search {
    constructor(bytes, { above, below }, way) {
      Object.assign(this, { bytes, way, step: above, bit: 2 * below, levels: [...LEVELS], nodes: 0, best: 0 });
    }

    /* Bits; 0 where it cannot be. */
    evidence() {
      this.byte(0, 0, 0);
      return this.best;
    }

    /* A start bit begins at this moment: is the byte that came one that can be read here? */
    byte(at, place, bits) {
      this.nodes++;
      const ends = at + 20 * this.step > Math.min(this.levels.length, 10 * HEAD) * this.bit;
      if (place === this.bytes.length || ends || this.nodes > NODES) {
        this.best = Math.max(this.best, bits);
        return;
      }
      const samples = range(0, 10).map((k) => Math.floor((at + this.step * (2 * k + 1)) / this.bit));
      if (this.levels[samples[0]] !== 0) { // half a bit later it is over: no start, the receiver goes on waiting
        const assigned = this.assign(new Map([[samples[0], 1]]));
        if (assigned) this.next(at - 18 * this.step, place, bits - assigned.length, 1);
        this.free(assigned);
      }
      const known = this.levels[samples[9]];
      const stops = known === null ? [1, 0] : [known];
      for (const stop of stops) {
        const assigned = this.assign(new Map([[samples[9], stop], [samples[0], 0]]));
        if (!assigned) continue;
        const left = bits - Math.log2(stops.length);
        if (this.way === "drop" && stop === 0) this.next(at, place, left, stop);
        else this.read(at, place, left, stop, samples);
        this.free(assigned);
      }
    }

    read(at, place, bits, stop, samples) {
      const wanted = new Map();
      let known = 0;
      for (const [k, bit] of bitsOf(this.bytes[place]).entries()) {
        const where = samples[k + 1];
        if (!wanted.has(where)) wanted.set(where, bit);
        if (wanted.get(where) !== bit) return;
        known += this.levels[where] === null ? 0 : 1;
      }
      const assigned = this.assign(wanted);
      if (assigned) this.next(at, place + 1, bits + known, stop, !this.bytes[place]);
      this.free(assigned);
    }

    /* Where the next start bit may begin. */
    next(at, place, bits, stop, isZero = false) {
      const moment = at + 19 * this.step;
      if (stop === 0 && this.way === "at-once") {
        this.byte(moment + this.step, place, bits);
        return;
      }
      let begin = Math.floor(moment / this.bit);
      const waits = this.way === "idle-first" || this.way === "drop" || (this.way === "break" && isZero);
      if (stop === 0 && waits) while (begin < this.levels.length && this.levels[begin] !== 1) begin++;
      const falls = [];
      for (let where = begin; where < this.levels.length - 1; where++) {
        const [now, then] = [this.levels[where], this.levels[where + 1]];
        if (now !== 0 && then !== 1) {
          falls.push(where);
          if (now === 1 && then === 0) break;
        }
      }
      for (const where of falls) {
        const assigned = this.assign(new Map([[where, 1], [where + 1, 0]]));
        if (assigned) this.byte((where + 1) * this.bit, place, bits - Math.log2(falls.length));
        this.free(assigned);
      }
    }

    /* Takes open levels to be these; null if one is known to be otherwise. */
    assign(wanted) {
      const isOpen = (where) => (this.levels[where] ?? null) === null;
      if ([...wanted].some(([where, value]) => !isOpen(where) && this.levels[where] !== value)) return null;
      const assigned = [...wanted.keys()].filter(isOpen);
      for (const where of assigned) this.levels[where] = wanted.get(where);
      return assigned;
    }

    free(assigned) {
      for (const where of assigned ?? []) this.levels[where] = null;
    }
  }

  Object.assign(yima.diagnosing, { mismatch });
})(globalThis.yima);
