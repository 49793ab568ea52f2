'use strict';
/* Cuts a scanner's byte stream into payloads, by the rules of yima.validator.readers.framing: a ministry code ends where
 * its own length field says, so CR, LF and pieces of any size cut nothing; all else ends by silence. Times are
 * milliseconds of one clock. feed and silence return [{payload, first, last, faults}]. */
(() => {
  const yima = (globalThis.yima ??= {});
  const LIMIT = 4096;
  const SHORTEST = 332;
  const NOISE = 32;
  const SIGNAL = 3;
  const TRAILER = 8;
  const FLOOD = 'no end in sight: cut, the rest up to a silence dropped';
  const PREFIX = /^(?:\x02(?!\x01)|\]Q[0-9]|\\[0-9]{6})*/;
  const BETWEEN = /^(?:[\x03\r\n]|\x02(?!\x01)|\]Q[0-9]|\\[0-9]{6})*/;
  const AHEAD = /(?:\x02|\]Q[0-9]|\\[0-9]{6})+$/;
  const SUFFIX = /(?:\r\n|\r|\n)?\x03?$/;
  const START = /\x55?[\x80-\xff]\x01[\x49-\x69]\$(?:\x01(?:\x01(?:\x00\x00?)?)?$|\x01\x01\x00\x00|$)/;

  const textOf = (data) => String.fromCharCode(...data);
  const bytesOf = (text) => Array.from(text, (letter) => letter.charCodeAt(0));
  const isForm = (size) => size >= 226 && size <= 512; // sizes of a code, sound or damaged

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
    const size = length - lead - SHORTEST;
    const from = at + lead;
    return data[from + 197] === size && data[from + 198 + size] === 0x15 && data[from + 267 + size] === 0x15;
  };

  /* What a code, perhaps a damaged one, says of its own size, largest first. */
  const sizes = (data) => {
    const lead = data[0] === 0x55 ? 1 : 0;
    const byLength = lead + 3 + 256 * data[lead + 1] + data[lead + 2];
    const byData = lead + SHORTEST + (data[lead + 197] ?? 0);
    const found = isForm(byLength) ? [byLength] : [];
    if (byData <= data.length && sound(data, 0, byData)) found.push(byData);
    return found.sort((one, other) => other - one);
  };

  /* [the frame without what the scanner put behind it, what there is to say about it]. A binary frame that is as long
   * as it says itself loses nothing, even if it ends in 0D. */
  const unsuffixed = (frame) => {
    if (frame.every((byte) => byte < 0x80)) return [bytesOf(textOf(frame).replace(/[\r\n\x03]+$/, '')), ''];
    const fitting = sizes(frame).filter((size) => frame.length >= size && frame.length - size <= TRAILER);
    const exact = fitting.find((size) => SUFFIX.exec(textOf(frame.slice(size))).index === 0);
    if (exact) return [frame.slice(0, exact), ''];
    const [size] = fitting;
    if (size) return [frame.slice(0, size), `${frame.length - size} bytes behind the code dropped`];
    const bare = bytesOf(textOf(frame).replace(SUFFIX, ''));
    const said = claimed(frame, 0);
    return [bare, said && bare.length < said ? `cut short: ${bare.length} of ${said} bytes came` : ''];
  };

  const fromHex = (line) => {
    const pairs = /^[\t-\r ]*(?:[0-9a-fA-F]{2}[\t-\r ]*)*$/.test(line) ? line.match(/[0-9a-fA-F]{2}/g) : null;
    return (pairs ?? []).map((pair) => parseInt(pair, 16));
  };
  const fromBase64 = (line) => {
    const digits = line.replace(/[\t-\r ]/g, '').replace(/=+$/, '').replace(/-/g, '+').replace(/_/g, '/');
    return /^[A-Za-z0-9+/]*$/.test(digits) && digits.length % 4 !== 1 ? bytesOf(atob(digits)) : [];
  };
  const hasShape = (data) =>
    isForm(data.length) && (data[3] === 0x24 || data[4] === 0x24 || sizes(data).includes(data.length));

  /* [the payloads in a hex or base64 line (or several lines in one burst), or the frame itself, what to say of it]. */
  const unfolded = (frame) => {
    const text = textOf(frame);
    for (const [name, decode] of [['hex', fromHex], ['base64', fromBase64]]) {
      for (const lines of [[text], text.split(/[\r\n]+/)]) {
        const decoded = lines.map(decode);
        if (decoded.every(hasShape)) return [decoded, `decoded from a ${name} line`];
      }
    }
    return [[frame], ''];
  };

  /* A scanner's word to its host, such as a heartbeat 06, and nothing that was shown to it. */
  const isSignal = (data) => data.length <= SIGNAL && data.every((byte) => byte < 0x20);

  yima.Framer = class {
    constructor({ gap = 60, patience = 200 } = {}) {
      Object.assign(this, { gap, patience, data: [], came: [], last: 0, checked: 0, behind: false, flooded: false });
    }

    /* When silence(now) will end what is held; null: nothing is held. */
    get deadline() {
      if (!this.data.length && !this.behind) return null;
      if (this.checked >= this.data.length) return this.last + this.gap;
      const said = claimed(this.data, this.checked);
      const isMissing = said === null ? this.data.length <= TRAILER : this.checked + said > this.data.length;
      return this.last + (isMissing ? this.patience : this.gap);
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
        if (this.data.length === LIMIT) this.overflow(found);
      }
      return found;
    }

    silence(now) {
      if (this.deadline === null || now < this.deadline) return [];
      const found = [];
      this.codes(found, true);
      if (!this.flooded && !(this.behind && this.data.length <= TRAILER)) this.frame(found, this.data.length, []);
      this.drop(this.data.length);
      Object.assign(this, { behind: false, flooded: false });
      return found;
    }

    /* Every whole code, leftmost first. A start whose end has not come yet holds back those behind it. */
    codes(found, silent) {
      let at = this.checked;
      for (; at < this.data.length; at++) {
        let length = claimed(this.data, at);
        if (length === null || at + length > this.data.length) {
          if (!silent) break;
        } else if (length && sound(this.data, at, length)) {
          const inside = START.exec(textOf(this.data.slice(at + 5, at + length)));
          if (inside) { // a code cut short, and the next one behind it? Only that one's end can tell
            const begin = at + 5 + inside.index;
            const other = claimed(this.data, begin) || 0;
            if (begin + other > this.data.length) {
              if (!silent) break;
            } else if (other && sound(this.data, begin, other)) [at, length] = [begin, other];
          }
          this.code(found, at, length);
          at = -1;
        }
      }
      this.checked = at;
    }

    code(found, at, length) {
      const faults = [];
      const ahead = textOf(this.data.slice(0, at));
      if (BETWEEN.exec(ahead)[0].length < at) {
        if (at <= NOISE || this.flooded) faults.push(`${at} bytes of noise before the code dropped`);
        else this.frame(found, AHEAD.exec(ahead)?.index ?? at, []);
      }
      found.push({ payload: Uint8Array.from(this.data.slice(at, at + length)), first: this.came[at],
        last: this.came[at + length - 1], faults });
      this.drop(at + length);
      Object.assign(this, { behind: true, flooded: false });
    }

    /* The first `end` bytes as a frame that something other than its own length has ended. */
    frame(found, end, faults) {
      const frame = this.data.slice(0, end);
      const start = (this.behind ? BETWEEN : PREFIX).exec(textOf(frame))[0].length;
      const [bare, fault] = unsuffixed(frame.slice(start));
      const [payloads, form] = unfolded(bare);
      for (const payload of payloads.filter((one) => one.length && !isSignal(one)))
        found.push({ payload: Uint8Array.from(payload), first: this.came[start],
          last: this.came[start + bare.length - 1], faults: [...faults, fault, form].filter(Boolean) });
    }

    /* Keeps only the start that may still become a code, so that what is held stays bounded. */
    overflow(found) {
      if (!this.flooded) this.frame(found, this.checked, [FLOOD]);
      this.flooded = true;
      this.drop(this.checked);
    }

    drop(count) {
      this.data.splice(0, count);
      this.came.splice(0, count);
      this.checked = 0;
    }
  };
})();
