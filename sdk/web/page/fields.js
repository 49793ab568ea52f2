'use strict';
/* A code field by field: yima.fields(payload, reveal) -> [{number, name, offset, size, raw, meaning}], row by row as
 * `yima inspect` shows it. Where accounts are not where they belong, nothing behind the certificate's head is shown.
 * Places come from the core, names and 随申码's layout from the terminal's tables. */
(() => {
  const yima = globalThis.yima;
  const HEAD = 23; // the certificate's key: what stands before it is told by marks of its own
  const SUISHEN = 'https://s.sh.gov.cn/';
  const number = (bytes) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const moment = (seconds) => `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  const yuan = (fen) => `¥${(fen / 100).toFixed(2)}`;

  /* Of four marks in and around fields 4 and 5 one may be damaged. */
  const inPlace = (code) => {
    const { hex, core } = yima;
    const marks = [];
    if (code.length > 120) marks.push(code.subarray(120, 136).every((byte) => byte >= 0x20 && byte <= 0x7e));
    if (code.length >= 146) marks.push(/^[0-9]*f*$/.test(hex(code.subarray(136, 146))));
    if (code.length >= 150) marks.push(hex(code.subarray(146, 150)) === hex(code.subarray(10, 14)));
    if (code.length >= 191) marks.push(core.isKey(code.subarray(158, 191)));
    return marks.filter((mark) => !mark).length <= (marks.length === 4 ? 1 : 0);
  };

  /* The fields of a layout, [{name, offset, size, raw}], as far as the bytes reach: the last may be cut off. */
  const walk = (places, bytes) => {
    const found = [];
    for (const { name, offset, size } of places) {
      const raw = bytes.subarray(offset, offset + size);
      found.push({ name, offset, raw, isWhole: raw.length === size });
      if (raw.length < size) break;
    }
    return found;
  };

  const MEANS = { cap: yuan, authorised_until: moment, generated_at: moment, validity: (value) => `${value} s`,
    version: String, length: String, account_type: String, issuer_data_length: String, root_index: String, key_length: String };

  const certificateMeaning = ({ name, raw, isWhole }) => {
    if (name !== 'expiry') return isWhole ? (MEANS[name]?.(number(raw)) ?? '') : '';
    const digits = yima.hex(raw);
    return /^(0[1-9]|1[0-2])\d\d$/.test(digits) ? `20${digits.slice(2)}-${digits.slice(0, 2)}` : '';
  };

  const ministry = (payload, start, reveal) => {
    const { core, tables } = yima;
    const code = payload.subarray(start);
    const veil = new yima.Veil(payload, reveal);
    const data = core.issuerDataSize(code) ?? 0;
    const places = core.layout.code.map(({ name, offset, size, afterData }) =>
      ({ name, offset: offset + (afterData ? data : 0), size: name === 'issuer_data' ? data : size }));
    let pieces = walk(places, code);
    if (core.masked(code)) {
      for (const [begin, size] of [[120, 26], [158, 33], [198, data]]) veil.hide(start + begin, size);
    } else if (inPlace(code)) {
      veil.hideText(start + 120, code.subarray(120, 136).length, code.length >= 136);
      veil.hidePacked(start + 136, code.subarray(136, 146).length, code.length >= 146);
    } else if (!reveal) {
      const isHead = yima.hex(code.subarray(3, 8)) === '2401010000' && code[22] === 0x21;
      pieces = pieces.filter(({ name }) => name === 'version' || name === 'length' || (isHead && name === 'certificate'));
      veil.hide(start + (isHead ? HEAD : 3), code.length);
    }
    const meaningOf = ({ name, offset, raw, isWhole }) => {
      if (name === 'payment_account') return veil.text(start + offset, raw.length).replace(/ +$/, '');
      if (name === 'card_account') return veil.hex(start + offset, raw.length).replace(/f+$/, '');
      return isWhole ? (MEANS[name]?.(number(raw)) ?? '') : '';
    };
    const row = (no, name, offset, raw, meaning) =>
      ({ number: no, name, offset, size: raw.length, raw: veil.hex(offset, raw.length), meaning });
    return pieces.flatMap((piece) => {
      const no = String(core.layout.code.find(({ name }) => name === piece.name).number);
      const name = tables.code[piece.name];
      if (piece.name !== 'certificate') return [row(no, name, start + piece.offset, piece.raw, meaningOf(piece))];
      const parts = walk(core.layout.certificate, piece.raw).map((part) =>
        row('', tables.certificate[part.name], start + piece.offset + part.offset, part.raw, certificateMeaning(part)));
      return [{ ...row(no, name, start + piece.offset, piece.raw, ''), raw: '' }, ...parts];
    });
  };

  /* The decoded bytes of 随申码's text; none where it is no base64url. */
  const unwrapped = (payload) => {
    const text = String.fromCharCode(...payload).slice(SUISHEN.length + 4).replace(/##$/, '').replace(/=+$/, '');
    if (!/^[\w+/-]*$/.test(text) || text.length % 4 === 1) return new Uint8Array();
    return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (letter) => letter.charCodeAt(0));
  };

  const suishen = (payload, reveal) => {
    const { layout, users, size, card } = yima.tables.suishen;
    const hex4 = (value) => value.toString(16).padStart(4, '0');
    const means = { ...MEANS, flags: hex4, enabled: hex4, key_index: String, transport_key_index: String,
      user_type: (value) => users[value] ?? '?' };
    const body = unwrapped(payload);
    const veil = new yima.Veil(body, reveal);
    if (body.length === size) veil.hidePacked(card, 10, true);
    else veil.hide(0, body.length);
    const meaningOf = ({ name, offset, raw, isWhole }) => {
      if (veil.isHidden(offset, raw.length)) return '';
      const letters = String.fromCharCode(...raw);
      if (name === 'expiry') return /^\d+$/.test(letters) ? letters : '';
      return isWhole ? (means[name]?.(number(raw)) ?? '') : '';
    };
    return walk(layout, body).map((piece) => ({ number: '', name: layout.find(({ name }) => name === piece.name).text,
      offset: piece.offset, size: piece.raw.length, raw: veil.hex(piece.offset, piece.raw.length), meaning: meaningOf(piece) }));
  };

  yima.fields = (payload, reveal = false) => {
    const family = yima.core.family(payload);
    if (family === 'suishen') return suishen(payload, reveal);
    return family === 'ministry' || family === 'unified' ? ministry(payload, family === 'unified' ? 1 : 0, reveal) : [];
  };
})();
