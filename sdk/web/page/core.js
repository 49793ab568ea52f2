'use strict';
/* The core in a page: what it knows of families, fields, reasons and signatures, and gates that judge by it.
 *
 * yima.core.ready resolves once the module is compiled; all else may be called from then on. Payloads are Uint8Array of
 * 1 to 4096 bytes, times unix seconds UTC, ticks milliseconds. Errors have `text`, {en, zh}. */
(() => {
  const yima = (globalThis.yima ??= {});
  const core = (yima.core = {});
  const PAGE = 65536;
  const MOST = 4096;
  const utf8 = new TextDecoder();
  let compiled, base;

  /* What a person can act on, in both languages. */
  yima.Problem = class extends Error {
    constructor(en, zh) {
      super(en);
      this.text = { en, zh };
    }
  };

  /* A script's module: base64 of a gzip stream. Browsers inflate it themselves; nothing is fetched. */
  core.unpacked = async (text) => {
    const packed = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'));
    return new Response(stream).arrayBuffer();
  };

  class Instance {
    constructor(instance) {
      this.does = instance.exports;
      this.at = this.does.yima_web_payload();
    }
    bytes(at, size) {
      return new Uint8Array(this.does.memory.buffer, at, size);
    }
    text(at) {
      const all = new Uint8Array(this.does.memory.buffer);
      return utf8.decode(all.subarray(at, all.indexOf(0, at)));
    }
    /* Room of so many bytes behind all that is there; zeros. */
    room(size) {
      return this.does.memory.grow(Math.ceil(Math.max(size, 1) / PAGE)) * PAGE;
    }
    take(payload) {
      if (!payload.length || payload.length > MOST)
        throw new yima.Problem(`${payload.length} bytes: a payload has 1 to ${MOST}`,
          `${payload.length} 字节：应为 1 至 ${MOST} 字节`);
      this.bytes(this.at, payload.length).set(payload);
      return payload.length;
    }
  }

  const instantiate = async () => new Instance(await WebAssembly.instantiate(compiled, {}));

  const rows = (which) =>
    Array.from({ length: base.does.yima_web_rows(which) }, (_, place) => {
      const told = (what) => base.does.yima_web_row(which, place, what);
      return { number: told(0), offset: told(1), size: told(2), afterData: told(3),
        name: base.text(told(4)).toLowerCase() };
    });

  core.ready = (async () => {
    compiled = await WebAssembly.compile(await core.unpacked(yima.packed.core));
    base = await instantiate();
    core.layout = { code: rows(0), certificate: rows(1) };
    core.reasons = new Map();
    for (let place = 0; place < base.does.yima_web_reasons(); place++) {
      const told = (what) => base.does.yima_web_reason(place, what);
      core.reasons.set(told(0), { number: told(0), labCase: told(1), stage: told(2), name: base.text(told(3)),
        text: { en: base.text(told(4)), zh: base.text(told(5)) } });
    }
    core.scratch = base.room(4 * PAGE);
  })();

  core.family = (payload) => base.text(base.does.yima_web_family(base.take(payload)));

  /* The first byte of the ministry's layout: the unified platform puts a 55 before it. */
  core.start = (payload) => (payload[0] === 0x55 && payload[1] >= 0x80 ? 1 : 0);

  /* What is first wrong with the form of a ministry code, as a reason; null: nothing. */
  core.form = (payload) => {
    const number = base.does.yima_web_form(core.start(payload), base.take(payload));
    return number ? core.reasons.get(number) : null;
  };

  core.isKey = (key) => {
    base.bytes(core.scratch, key.length).set(key);
    return base.does.yima_web_is_key(core.scratch, key.length) === 1;
  };

  /* Whether 64 bytes are the key's signature over a message. */
  core.verify = (key, message, signature) => {
    if (signature.length !== 64 || message.length > 3 * PAGE) return false;
    const [keyAt, signatureAt, messageAt] = [core.scratch, core.scratch + 128, core.scratch + 256];
    base.bytes(keyAt, key.length).set(key);
    base.bytes(signatureAt, 64).set(signature);
    base.bytes(messageAt, message.length).set(message);
    return base.does.yima_web_verify(keyAt, key.length, messageAt, message.length, signatureAt) === 1;
  };

  const at = (layout, name) => core.layout[layout].find((row) => row.name === name);

  /* How many bytes field 14 has: as field 13 says, unless only the size puts the signatures' marks in place. */
  core.issuerDataSize = (code) => {
    if (code.length < 198) return null;
    const said = code[197];
    for (const size of [said, code.length - 332])
      if (size >= 0 && size <= 32 && code[198 + size] === 0x15 && code[267 + size] === 0x15) return size;
    return said;
  };

  /* Which of the three signatures hold: {certificate, issuer, rider}, each `valid`, `invalid`, `unknown root` or,
   * where a capture left bytes out, `not kept`.
   * roots: [{index, key}], of which several may have one index. */
  core.signatures = (payload, roots = []) => {
    const code = payload.subarray(core.start(payload));
    const data = core.issuerDataSize(code) ?? 0;
    const field = (name) => {
      const row = at('code', name);
      return code.subarray(row.offset + row.afterData * data, row.offset + row.afterData * data + row.size);
    };
    const part = (name) => {
      const row = at('certificate', name);
      return certificate.subarray(row.offset, row.offset + row.size);
    };
    const certificate = field('certificate');
    const holds = (key, from, signature) => {
      const mine = field(signature);
      const end = at('code', signature).offset + data;
      return mine.length === 65 && mine[0] === 0x15 && core.verify(key, code.subarray(from, end), mine.subarray(1));
    };
    const known = roots.filter((root) => root.index === part('root_index')[0]);
    const signed = certificate.subarray(at('certificate', 'format').offset, at('certificate', 'ca_signature').offset);
    const word = (is) => (is ? 'valid' : 'invalid');
    const overAccounts = (is) => (is || !core.masked(code) ? word(is) : 'not kept');
    return {
      certificate: known.length
        ? word(known.some((root) => core.verify(root.key, signed, part('ca_signature'))))
        : 'unknown root',
      issuer: overAccounts(holds(part('issuer_key'), at('code', 'certificate').offset, 'issuer_signature')),
      rider: overAccounts(holds(field('rider_key'), 0, 'rider_signature')),
    };
  };

  /* Whether size, marks and lengths of a ministry code agree with each other. */
  core.shaped = (payload) => {
    const code = payload.subarray(core.start(payload));
    const data = code.length - 332;
    return data >= 0 && data <= 32 && code[1] * 256 + code[2] + 3 === code.length && code[3] === 0x24 &&
      code[197] === data && code[198 + data] === 0x15 && code[267 + data] === 0x15;
  };

  /* Whether a capture of the bench left out accounts, rider's key and issuer's data: zeros where a code, of which every
   * mark is in its place, has them. */
  core.masked = (code) => {
    const size = code.length - 332;
    const zeros = (from, to) => code.subarray(from, to).every((byte) => byte === 0);
    return size >= 0 && size <= 32 && code[197] === size && code[198 + size] === 0x15 && code[267 + size] === 0x15 &&
      [0, 1, 2, 3].every((place) => code[146 + place] === code[10 + place]) &&
      zeros(120, 146) && zeros(158, 191) && zeros(198, 198 + size);
  };

  /* Whether no byte of a ministry code is changed: it is shaped, and the issuer's and the rider's signature hold. */
  core.whole = (payload) => {
    if (!core.shaped(payload)) return false;
    const holds = core.signatures(payload);
    return holds.issuer === 'valid' && holds.rider === 'valid';
  };

  /* The root keys in a file of 144-byte certificates: [{index, key}]. */
  core.rootsIn = (bytes) => {
    const found = [];
    for (let begin = 0; begin < bytes.length; begin += 144) {
      const one = bytes.subarray(begin, begin + 144);
      base.bytes(core.scratch, one.length).set(one);
      if (one[0] !== 0x21 || !base.does.yima_web_is_root(core.scratch, one.length))
        throw new yima.Problem(`no valid root certificate at byte ${begin}`, `第 ${begin} 字节处不是有效的根证书`);
      found.push({ index: one[10], key: one.slice(16, 80) });
    }
    return found;
  };

  /* A gate under parameters: an image (YIMP), or a package around one (YIMA), whose signatures must hold by the keys that
   * it names itself. place: {mode 1 bus or 2 metro, direction 0, 1 entry, 2 exit, line, station, city}. Remembers used
   * codes, as a gate does. */
  core.gate = async (bytes, place = {}, unixS = Date.now() / 1000) => {
    const own = await instantiate();
    let image = own.room(bytes.length);
    let size = bytes.length;
    own.bytes(image, size).set(bytes);
    const isPackage = utf8.decode(bytes.subarray(0, 4)) === 'YIMA';
    if (isPackage) {
      const error = own.does.yima_web_package(image, size, unixS);
      if (error) {
        const name = own.text(own.does.yima_web_package_error(error));
        throw new yima.Problem(`the package is not taken: ${name}`, `参数包未被接受：${name}`);
      }
      image = own.does.yima_web_package_image();
      size = own.does.yima_web_package_size();
    }
    const error = own.does.yima_web_open(image, size);
    if (error)
      throw new yima.Problem(`no parameter image that can be used (${error})`, `不是可用的参数映像（${error}）`);
    const memory = own.does.yima_web_memory();
    const { mode = 1, direction = 0, line = 0, station = 0, city = 0 } = place;
    const status = own.does.yima_web_start(mode, direction, line, station, city, own.room(memory), memory);
    if (status) throw new yima.Problem(`no gate can stand here (${status})`, `无法在此设置闸机（${status}）`);
    return {
      isPackage,
      judge(payload, now, tickMs = 0, trusted = true) {
        const length = own.take(payload);
        const reason = core.reasons.get(own.does.yima_web_judge(length, Math.floor(now), Math.floor(tickMs), trusted ? 1 : 0));
        const told = own.does.yima_web_told;
        return { reason, accepted: told(0) === 1, again: told(1) === 1, wasAccepted: told(2) === 1,
          fareFen: told(3), transaction: told(4), stages: Array.from({ length: 7 }, (_, i) => told(16 + i)),
          rule: own.text(own.does.yima_web_rule()) };
      },
    };
  };
})();
