'use strict';
/* A ministry code field by field: yima.fields(payload, reveal) -> [{number, name, offset, size, raw, meaning}], as
 * `yima inspect` shows it. Accounts keep their first and last four characters; where fields are not where they belong,
 * nothing behind the length is shown. Places come from the core, names from the terminal's tables. */
(() => {
  const yima = globalThis.yima;
  const KEPT = 4;
  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const number = (bytes) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const moment = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  yima.hex = hex;

  const masked = (text) => (text.length <= 2 * KEPT ? '*'.repeat(text.length)
    : text.slice(0, KEPT) + '*'.repeat(text.length - 2 * KEPT) + text.slice(-KEPT));

  /* Whether fields 4 and 5 are where they belong: of four marks in and around them one may be damaged. */
  const inPlace = (code) => {
    const marks = [];
    if (code.length > 120) marks.push(code.subarray(120, 136).every((byte) => byte >= 0x20 && byte <= 0x7e));
    if (code.length >= 146) marks.push(/^[0-9]*f*$/.test(hex(code.subarray(136, 146))));
    if (code.length >= 150) marks.push(hex(code.subarray(146, 150)) === hex(code.subarray(10, 14)));
    if (code.length >= 191) marks.push(yima.core.isKey(code.subarray(158, 191)));
    return marks.filter((mark) => !mark).length <= (marks.length === 4 ? 1 : 0);
  };

  /* The hexadecimal of some bytes in which no copy of an account, as text or as packed digits, is left. */
  const veiled = (text, accounts) => {
    for (const [pattern, width] of accounts) {
      for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + 1)) {
        if (at % width) continue;
        const [from, to] = [at + KEPT * width, at + pattern.length - KEPT * width];
        text = text.slice(0, from) + '*'.repeat(Math.max(0, to - from)) + text.slice(to);
      }
    }
    return text;
  };

  const accountsOf = (code) => {
    const plain = String.fromCharCode(...code.subarray(120, 136)).trimEnd();
    const packed = hex(code.subarray(136, 146)).replace(/f+$/, '');
    const asHex = (text) => hex(Uint8Array.from(text, (c) => c.charCodeAt(0)));
    const found = [];
    for (const text of [plain, packed]) {
      if (text.length <= 2 * KEPT || new Set(text).size === 1) continue;
      found.push([asHex(text), 2]);
      if (/^[0-9]+$/.test(text)) found.push([text, 1]);
    }
    return found;
  };

  yima.fields = (payload, reveal = false) => {
    const start = yima.core.start(payload);
    const code = payload.subarray(start);
    const data = yima.core.issuerDataSize(code) ?? 0;
    const places = inPlace(code);
    const accounts = reveal || !places ? [] : accountsOf(code);
    const rows = [];
    const { tables, core } = yima;
    const row = (no, name, offset, bytes, meaning, raw = veiled(hex(bytes), accounts)) =>
      rows.push({ number: no, name, offset: start + offset, size: bytes.length, raw, meaning });
    for (const place of core.layout.code) {
      const offset = place.offset + (place.afterData ? data : 0);
      const size = place.name === 'issuer_data' ? data : place.size;
      if (offset >= code.length && size) break;
      if (!places && !reveal && !['version', 'length'].includes(place.name)) break;
      const bytes = code.subarray(offset, offset + size);
      const name = tables.code[place.name];
      const value = number(bytes);
      if (place.name === 'certificate') {
        row('3', name, offset, bytes, '', '');
        for (const part of core.layout.certificate) {
          const inside = bytes.subarray(part.offset, part.offset + part.size);
          let meaning = ['root_index', 'key_length'].includes(part.name) ? String(number(inside)) : '';
          if (part.name === 'expiry' && /^(0[1-9]|1[0-2])\d\d$/.test(hex(inside)))
            meaning = `20${hex(inside).slice(2)}-${hex(inside).slice(0, 2)}`;
          if (inside.length) row('', tables.certificate[part.name], offset + part.offset, inside, meaning);
        }
        continue;
      }
      let meaning = '';
      let raw;
      if (place.name === 'payment_account') {
        const text = String.fromCharCode(...bytes).trimEnd();
        meaning = reveal ? text : masked(text);
        if (!reveal) raw = text.length <= 2 * KEPT ? '**'.repeat(text.length) + hex(bytes).slice(2 * text.length)
          : veiled(hex(bytes), [[hex(bytes.subarray(0, text.length)), 2]]);
      } else if (place.name === 'card_account') {
        const text = hex(bytes).replace(/f+$/, '');
        meaning = reveal ? text : masked(text);
        if (!reveal) raw = meaning + hex(bytes).slice(text.length);
      } else if (place.name === 'cap') meaning = `¥${(value / 100).toFixed(2)}`;
      else if (['authorised_until', 'generated_at'].includes(place.name)) meaning = moment(value);
      else if (place.name === 'validity') meaning = `${value} s`;
      else if (['version', 'length', 'account_type', 'issuer_data_length'].includes(place.name)) meaning = String(value);
      row(String(place.number), name, offset, bytes, meaning, raw);
    }
    return rows;
  };
})();
