'use strict';
/* Hides account numbers in all that is shown of a payload, as yima.sdk.dissection.masking: whatever is shown is cut from
 * here by offset. The first 4 and last 4 characters of an account stay, and no copy of it elsewhere is left. */
(() => {
  const yima = (globalThis.yima ??= {});
  const KEPT = 4;
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const asciiHex = (text) => hex(Uint8Array.from(text, (letter) => letter.charCodeAt(0)));
  yima.hex = hex;

  /* Whether finding it elsewhere means something: long enough, and no filler such as all zeros. */
  const isTelling = (letters) => letters.length > 2 * KEPT && new Set(letters).size > 1;

  const ESCAPES = { '\t': '\\t', '\n': '\\n', '\r': '\\r' };
  const escaped = (letter) => {
    const point = letter.codePointAt(0);
    const [mark, width] = point < 0x100 ? ['\\x', 2] : point < 0x10000 ? ['\\u', 4] : ['\\U', 8];
    return ESCAPES[letter] ?? mark + point.toString(16).padStart(width, '0');
  };
  const printable = (letter) => (letter === ' ' || !/[\p{C}\p{Z}]/u.test(letter) ? letter : escaped(letter));

  /* UTF-8 of which every byte that is none is shown as an escape. */
  const textOf = (bytes) => {
    let text = '';
    for (let at = 0; at < bytes.length; ) {
      const size = [1, 2, 3, 4].find((length) => {
        try {
          return at + length <= bytes.length && utf8.decode(bytes.subarray(at, at + length));
        } catch {
          return false;
        }
      });
      text += size ? printable(utf8.decode(bytes.subarray(at, at + size))) : `\\x${hex(bytes.subarray(at, at + 1))}`;
      at += size ?? 1;
    }
    return text;
  };

  yima.Veil = class {
    constructor(payload, revealed) {
      Object.assign(this, { payload, revealed, digits: hex(payload), hidden: new Uint8Array(2 * payload.length) });
    }

    hide(offset, size) {
      this.hidden.fill(1, 2 * offset, 2 * (offset + size));
    }

    /* An account in ASCII, padded by spaces. isWhole: whether the payload holds all of it. */
    hideText(offset, size, isWhole) {
      const letters = hex(this.payload.subarray(offset, offset + size)).match(/../g) ?? [];
      while (letters.at(-1) === '20') letters.pop();
      this.hideMiddle(2 * offset, letters.length, 2, isWhole);
      if (!isWhole || !isTelling(letters)) return;
      this.hideCopies(letters.join(''), 2);
      if (letters.every((letter) => /^3[0-9]$/.test(letter))) this.hideCopies(letters.map((letter) => letter[1]).join(''), 1);
    }

    /* An account in packed digits, padded by F. */
    hidePacked(offset, size, isWhole) {
      const account = hex(this.payload.subarray(offset, offset + size)).replace(/f+$/, '');
      this.hideMiddle(2 * offset, account.length, 1, isWhole);
      if (!isWhole || !isTelling(account)) return;
      this.hideCopies(account, 1);
      this.hideCopies(asciiHex(account), 2);
    }

    hex(offset, size) {
      const shown = this.digits.slice(2 * offset, 2 * (offset + size));
      return this.revealed ? shown : Array.from(shown, (digit, at) => (this.hidden[2 * offset + at] ? '*' : digit)).join('');
    }

    text(offset, size) {
      const shown = this.payload.slice(offset, offset + size);
      return textOf(shown.map((byte, at) => (this.isHidden(offset + at, 1) ? 0x2a : byte)));
    }

    isHidden(offset, size) {
      return !this.revealed && this.hidden.subarray(2 * offset, 2 * (offset + size)).some(Boolean);
    }

    hideMiddle(start, length, width, isWhole) {
      const isShort = isWhole && length <= 2 * KEPT;
      const first = isShort ? 0 : KEPT;
      const last = isShort || !isWhole ? length : length - KEPT;
      if (first < last) this.hidden.fill(1, start + first * width, start + last * width);
    }

    hideCopies(pattern, width) {
      for (let at = this.digits.indexOf(pattern); at >= 0; at = this.digits.indexOf(pattern, at + 1))
        if (at % width === 0) this.hideMiddle(at, pattern.length / width, width, true);
    }
  };
})();
