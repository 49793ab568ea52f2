'use strict';
/* Cuts a scanner's byte stream into payloads, by the rules of yima.validator.readers.framing: a ministry code ends where
 * its own length field says, so CR, LF and pieces of any size cut nothing; all else ends by silence. Times are
 * milliseconds of one clock. feed and silence return [{payload, first, last, faults}]. */
(() => {
  const yima = (globalThis.yima ??= {});
  const LIMIT = 4096;
  const NOISE = 32;
  const TRAILER = 8;

  /* The length that a code starting here claims; 0: none can start here, null: too few bytes are there. */
  const claimed = (data, at) => {
    const lead = data[at] === 0x55 ? 1 : 0;
    const [version, high, low, mark] = data.slice(at + lead, at + lead + 4);
    if (version !== undefined && version < 0x80) return 0;
    if (high !== undefined && high !== 1) return 0;
    if (low !== undefined && (low < 0x49 || low > 0x69)) return 0;
    if (mark === undefined) return null;
    return mark === 0x24 ? lead + 0x103 + low : 0;
  };

  /* Whether the claimed length agrees with field 13 and with the 15 in front of either signature. */
  const sound = (data, at, length) => {
    const lead = data[at] === 0x55 ? 1 : 0;
    const size = length - lead - 332;
    const from = at + lead;
    return data[from + 197] === size && data[from + 198 + size] === 0x15 && data[from + 267 + size] === 0x15;
  };

  /* STX, AIM and ECI marks before a text, CR, LF and ETX behind it. */
  const bare = (data) => {
    const text = String.fromCharCode(...data);
    const before = /^(?:\x02(?!\x01)|\]Q[0-9]|\\[0-9]{6})+/.exec(text)?.[0].length ?? 0;
    const behind = /(?:\r\n|\r|\n)?\x03?$/.exec(text)[0].length;
    return [before, Math.max(before, data.length - behind)];
  };

  yima.Framer = class {
    constructor({ gap = 60, patience = 200 } = {}) {
      Object.assign(this, { gap, patience, data: [], came: [], last: 0, checked: 0, behind: false });
    }

    /* When silence(now) will end what is held; null: nothing is held. */
    get deadline() {
      if (!this.data.length && !this.behind) return null;
      const starts = this.checked < this.data.length && claimed(this.data, this.checked) !== 0;
      return this.last + (starts ? this.patience : this.gap);
    }

    feed(bytes, now) {
      const found = [];
      this.last = now;
      for (let at = 0; at < bytes.length; ) {
        const piece = bytes.subarray(at, at + LIMIT - this.data.length);
        at += piece.length;
        for (const byte of piece) {
          this.data.push(byte);
          this.came.push(now);
        }
        this.codes(found, false);
        if (this.data.length === LIMIT) this.frame(found, this.data.length, ['no end in sight: cut']);
      }
      return found;
    }

    silence(now) {
      if (this.deadline === null || now < this.deadline) return [];
      const found = [];
      this.codes(found, true);
      if (this.behind && this.data.length <= TRAILER) this.drop(this.data.length);
      else if (this.data.length) this.frame(found, this.data.length, []);
      this.behind = false;
      return found;
    }

    codes(found, silent) {
      let at = this.checked;
      for (; at < this.data.length; at++) {
        const length = claimed(this.data, at);
        if (length === null || at + length > this.data.length) {
          if (!silent) break;
        } else if (length && sound(this.data, at, length)) {
          const faults = [];
          const ahead = this.data.slice(0, at);
          const [begin, end] = bare(ahead);
          if (at > NOISE) {
            this.frame(found, at, []);
            at = 0;
          } else if (begin < end) faults.push(`${at} bytes of noise before the code dropped`);
          found.push({ payload: Uint8Array.from(this.data.slice(at, at + length)), first: this.came[at],
            last: this.came[at + length - 1], faults });
          this.drop(at + length);
          this.behind = true;
          at = -1;
        }
      }
      this.checked = at;
    }

    frame(found, size, faults) {
      const [begin, end] = bare(this.data.slice(0, size));
      if (end > begin) found.push({ payload: Uint8Array.from(this.data.slice(begin, end)), first: this.came[begin],
        last: this.came[end - 1], faults });
      this.drop(size);
    }

    drop(count) {
      this.data.splice(0, count);
      this.came.splice(0, count);
      this.checked = 0;
    }
  };
})();
