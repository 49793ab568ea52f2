'use strict';
/* The page: what comes in by any way is looked at, judged, shown and kept. */
(async () => {
  const yima = globalThis.yima;
  const { core, words, tables } = yima;
  const get = (id) => document.getElementById(id);
  const FILE_MOST_MB = 64;
  const KEPT_MOST = 2000;
  const IN_VIEW_MS = 1500;
  const state = { zh: navigator.language.startsWith('zh'), roots: [], gate: null, shown: [], current: null, began: 0,
    gone: [], // of the presentations that are kept no more: by how long they took, {count, whole}
    inView: new Map() }; // what the camera has seen lately, a phone and a poster beside it: {seen} by its hex
  const say = (name, values = {}) =>
    (words[name]?.[state.zh ? 1 : 0] ?? name).replace(/\{(\w+)\}/g, (_, key) => values[key]);
  const both = (text) => text?.[state.zh ? 'zh' : 'en'] ?? '';
  const lineWords = (line) => (state.zh ? yima.lineWords(line) : line);
  const tell = (text, problem = false) => {
    get('says').textContent = text;
    get('says').classList.toggle('problem', problem);
  };
  const element = (name, text, className = '') => Object.assign(document.createElement(name), { textContent: text, className });

  /* What these bytes are as a code: of what came, and again of what the diagnosis makes of it. */
  const judged = (shown, code) => {
    const family = core.family(code);
    const isMinistry = family === 'ministry' || family === 'unified';
    Object.assign(shown, { code, family, isMinistry, form: isMinistry ? core.form(code) : null,
      verdict: shown.gate?.judge(code, shown.unixS, performance.now()) ?? null });
  };

  /* Looks for what happened to the bytes, beside the page; a newer reading ends the search for an older one. */
  const search = async (shown, running = yima.search(shown.payload, shown.baud)) => {
    Object.assign(shown, { running, search: 'searching' });
    mark();
    try {
      const found = await running;
      shown.search = found ? '' : 'givenUp';
      if (found) {
        shown.cause = found.cause;
        shown.diagnosis = found.cause === 'whole' ? null : found;
        if ((found.proved || found.harmless) && found.bytes?.length && yima.hex(found.bytes) !== yima.hex(shown.code))
          judged(shown, found.bytes);
      }
    } catch (error) {
      shown.search = '';
      fail(error);
    }
    mark();
    if (state.current === shown) show(shown);
    list();
  };
  const mark = () => {
    document.documentElement.toggleAttribute('data-searching', state.shown.some((one) => one.search === 'searching'));
  };

  const moment = () => {
    const text = get('at').value.trim();
    if (!text) return Date.now() / 1000;
    if (!/^\d{1,10}$/.test(text)) throw new yima.Problem(words.badTime[0], words.badTime[1]);
    return Number(text);
  };

  /* Whether the camera had it in view just now: it is one presentation as long as it stays there. */
  const isInView = (payload, now) => {
    for (const [key, seen] of state.inView) if (now - seen >= IN_VIEW_MS) state.inView.delete(key);
    const key = yima.hex(payload);
    const isThere = state.inView.has(key);
    state.inView.set(key, now);
    return isThere;
  };

  /* baud: of the line that it came over; 0: none. */
  const present = (payload, first = performance.now(), last = first, faults = [], baud = 0) => {
    try {
      if (!state.shown.length) state.began = first;
      const before = state.shown.at(-1);
      const again = Boolean(before) && yima.hex(before.payload) === yima.hex(payload);
      const isWhole = yima.hex(payload) === tables.card || core.whole(payload);
      const since = (at) => Math.max(0, at - state.began);
      const shown = { payload, faults, again, number: (before?.number ?? 0) + 1, first: since(first), last: since(last),
        baud, gate: state.gate, unixS: moment(), diagnosis: null, cause: isWhole ? 'whole' : 'undetermined' };
      judged(shown, payload);
      state.shown.push(shown);
      if (state.shown.length > KEPT_MOST) letGo(state.shown.shift());
      if (!isWhole) search(shown, again && before.search !== 'givenUp' ? before.running : undefined);
      else if (!again) yima.giveUp();
      show(shown);
      list();
      if (!document.documentElement.dataset.firstMs) document.documentElement.dataset.firstMs = String(performance.now());
    } catch (error) {
      fail(error);
    }
  };
  const whyOf = (error) => (error.text ? both(error.text) : String(error.message ?? error));
  const fail = (error) => tell(whyOf(error), true);

  const line = (shown) =>
    `${(shown.first / 1000).toFixed(3)} s · ${shown.payload.length} ${say('bytes')} ${say('in')} ` +
    `${(shown.last - shown.first).toFixed(1)} ms · ${shown.family}${shown.again ? ` · ${say('again')}` : ''}`;

  const show = (shown) => {
    state.current = shown;
    get('empty').hidden = true;
    get('one').hidden = false;
    get('summary').textContent = `#${shown.number} · ${line(shown)} — ${both(tables.families[shown.family])}`;
    const verdict = get('verdict');
    verdict.hidden = !shown.verdict && !shown.form;
    if (shown.verdict) {
      const { accepted, reason, fareFen, rule } = shown.verdict;
      const fare = accepted ? ` · ${say('fare')} ¥${(fareFen / 100).toFixed(2)} ${rule}` : '';
      const lab = reason.labCase ? ` [${reason.labCase}]` : '';
      verdict.textContent = `${say(accepted ? 'accepted' : 'refused')}${lab} ${reason.name} — ${both(reason.text)}${fare}`;
      verdict.className = `verdict ${accepted ? 'accepted' : 'refused'}`;
    } else if (shown.form) {
      verdict.textContent = `${say('form')}: ${shown.form.name} — ${both(shown.form.text)}`;
      verdict.className = 'verdict refused';
    }
    const { diagnosis } = shown;
    get('diagnosis').hidden = !diagnosis && !shown.faults.length && !shown.search;
    get('diagnosis').replaceChildren(...shown.faults.map((fault) => element('p', lineWords(fault))));
    if (shown.search) get('diagnosis').append(element('p', say(shown.search)));
    if (shown.search === 'givenUp') {
      const button = Object.assign(element('button', say('lookAgain')), { type: 'button' });
      button.addEventListener('click', () => {
        search(shown);
        show(shown);
      });
      get('diagnosis').append(button);
    }
    if (diagnosis) {
      const detail = diagnosis.detail ? ` (${lineWords(diagnosis.detail)})` : '';
      const proved = diagnosis.proved ? ` · ${say('proved')}` : '';
      get('diagnosis').append(element('p', `${diagnosis.cause}${detail}: ${both(diagnosis.note)}${proved}`),
        element('p', `${say('cure')}: ${both(diagnosis.cure)}`));
    }
    const signatures = shown.isMinistry ? core.signatures(shown.code, state.roots) : {};
    get('signatures').replaceChildren(...Object.entries(signatures).map(([name, answer]) => {
      const item = element('li', `${say(name)}: ${say(answer)}`, answer);
      item.dataset.signature = name;
      item.dataset.answer = answer;
      return item;
    }));
    const rows = yima.fields(shown.code, get('reveal').checked);
    get('rows').replaceChildren(...rows.map((row) => {
      const tr = document.createElement('tr');
      for (const text of [row.number, row.offset, row.size, both(row.name), row.meaning, row.raw]) tr.append(element('td', text));
      return tr;
    }));
    tell(`#${shown.number}: ${shown.family}`);
  };

  const EDGES = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, Infinity];
  const placeOf = (shown) => EDGES.findIndex((high) => shown.last - shown.first < high) - 1;
  const letGo = (shown) => {
    const gone = (state.gone[placeOf(shown)] ??= { count: 0, whole: 0 });
    gone.count++;
    gone.whole += shown.cause === 'whole';
  };
  const list = () => {
    get('history').replaceChildren(...state.shown.slice(-100).reverse().map((shown) => {
      const item = document.createElement('li');
      item.value = shown.number;
      const button = element('button', line(shown));
      button.type = 'button';
      button.addEventListener('click', () => show(shown));
      item.append(button);
      return item;
    }));
    get('tally').hidden = !state.shown.length;
    const read = state.shown.at(-1)?.number ?? 0;
    const whole = state.gone.reduce((sum, gone) => sum + gone.whole,
      state.shown.filter((shown) => shown.cause === 'whole').length);
    const minutes = Math.max((state.shown.at(-1)?.last ?? 0) / 60000, 1 / 60);
    get('counts').textContent = `${read} ${say('read')}, ${whole} ${say('whole')}` +
      (read > 1 ? `, ${Math.round(read / minutes)} ${say('perMinute')}` : '');
    const counts = EDGES.slice(1).map((_, at) => state.gone[at]?.count ?? 0);
    for (const shown of state.shown) counts[placeOf(shown)]++;
    get('bars').replaceChildren(...counts.flatMap((count, at) => {
      if (!count) return [];
      const tr = document.createElement('tr');
      const bar = document.createElement('meter');
      Object.assign(bar, { max: Math.max(...counts), value: count });
      tr.append(element('td', EDGES[at + 1] === Infinity ? '≥ 512 ms' : `< ${EDGES[at + 1]} ms`), element('td', count), element('td', ''));
      tr.lastChild.append(bar);
      return [tr];
    }));
  };

  const translate = () => {
    document.documentElement.lang = state.zh ? 'zh-CN' : 'en';
    for (const one of document.querySelectorAll('[data-t]')) one.textContent = say(one.dataset.t);
    get('card-image').alt = say('card');
    get('language').textContent = state.zh ? 'English' : '中文';
    get('language').lang = state.zh ? 'en' : 'zh';
    under();
    if (state.current) show(state.current);
    list();
  };
  const under = () => {
    const { given, gate } = state;
    get('under').textContent = gate ? say('underGate', { name: given.name, size: given.bytes.length }) +
      (gate.isPackage ? ` ${say('fromPackage')}` : '') : say('noGate', { n: state.roots.length });
  };
  const stand = async () => {
    if (!state.given) return;
    const { bytes } = state.given;
    state.gate = null;
    try {
      const gate = await core.gate(bytes, { mode: Number(get('mode').value) }, moment());
      if (state.given.bytes === bytes) state.gate = gate;
    } catch (error) {
      fail(error); // what was given stays: another moment may suit it
    }
    under();
  };

  const takeFile = async (file) => {
    if (file.size > FILE_MOST_MB << 20) return tell(say('tooLarge', { name: file.name, most: FILE_MOST_MB }), true);
    if (/\.toml$/i.test(file.name)) {
      const isListing = file.name.toLowerCase() === 'package.toml';
      return tell(say(isListing ? 'isListing' : 'isSource', { name: file.name }), true);
    }
    const content = await file.arrayBuffer().catch(() => null);
    if (!content) return tell(say('unreadable', { name: file.name }), true);
    const bytes = new Uint8Array(content);
    if (!bytes.length) return tell(`${file.name}: ${both(yima.diagnosing.tables.slips.empty)}`, true);
    const magic = String.fromCharCode(...bytes.subarray(0, 4));
    if (magic === 'YIMA' || magic === 'YIMP') {
      state.given = { name: file.name, bytes };
      tell(say('ready'));
      return stand();
    }
    if (bytes.length && bytes.length % 144 === 0 && bytes[0] === 0x21) {
      state.roots = [...state.roots, ...core.rootsIn(bytes)];
      tell(say('rootsTaken', { n: state.roots.length }));
      under();
      return state.current && show(state.current);
    }
    if (yima.isPicture(bytes)) {
      const bitmap = await createImageBitmap(new Blob([content])).catch(() => null);
      if (!bitmap) return tell(say('badPicture', { name: file.name }), true);
      const found = await yima.symbolsInPicture(bitmap);
      if (!found.length) tell(say('noSymbol', { name: file.name }), true);
      return found.forEach((payload) => present(payload));
    }
    return take(yima.payload(bytes), `${file.name}: `);
  };
  const takeFiles = async (files) => {
    const problems = []; // each stays to be read, whatever the next file is
    for (const file of files) {
      tell('');
      await takeFile(file).catch((error) => tell(`${file.name}: ${whyOf(error)}`, true));
      if (get('says').classList.contains('problem')) problems.push(get('says').textContent);
    }
    if (problems.length) tell(problems.join(' · '), true);
  };

  /* Hex and base64 alone, where the many forms of yima.pasted are not there. */
  const plainText = (text) => {
    const bare = text.replace(/\s+/g, '');
    if (bare && /^([0-9a-f]{2})+$/i.test(bare)) return Uint8Array.from(bare.match(/../g), (pair) => parseInt(pair, 16));
    try {
      return Uint8Array.from(atob(bare.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0));
    } catch {
      return new Uint8Array();
    }
  };
  const take = ({ bytes, problem }, thing = '') => {
    if (problem) tell(thing + both(problem), true);
    else if (bytes.length) present(bytes);
    else tell(say('notBytes'), true);
  };
  const takeText = (text) => {
    if (!text.trim()) return;
    const taken = yima.pasted ? yima.pasted(text) : { bytes: plainText(text) };
    take(taken);
  };

  const toggled = (button, start) => {
    let stop = null;
    let starting = false;
    button.addEventListener('click', async () => {
      if (starting) return; // a browser asks for leave meanwhile; a second start could never be ended
      const ending = stop;
      stop = null;
      button.setAttribute('aria-pressed', String(!ending));
      try {
        if (ending) return await ending();
        starting = true;
        let isOver = false; // what is pulled out while it starts is not to be stopped
        const started = await start(() => {
          isOver = true;
          stop = null;
          button.setAttribute('aria-pressed', 'false');
        });
        stop = isOver ? null : started;
      } catch (error) {
        button.setAttribute('aria-pressed', 'false');
        fail(error);
      } finally {
        starting = false;
      }
    });
  };
  toggled(get('camera'), async (over) => {
    get('view').hidden = false;
    try {
      const see = (payload, first, last) => isInView(payload, last) || present(payload, first, last);
      const stop = await yima.watchCamera(get('view'), see, (why) => {
        get('view').hidden = true;
        over();
        tell(say('cameraEnded', { why: lineWords(why) }), true);
      });
      return () => {
        get('view').hidden = true;
        stop();
      };
    } catch (error) {
      get('view').hidden = true;
      throw new Error(say('noCamera', { why: error.message }));
    }
  });
  toggled(get('serial'), async (over) => {
    if (!navigator.serial) throw new Error(say('noSerial'));
    const baud = Number(get('baud').value);
    const take = (...reading) => present(...reading, baud);
    const stop = await yima.watchSerial(await navigator.serial.requestPort(), baud, take, (why) => {
      over();
      tell(say('serialEnded', { why: lineWords(why) }), true);
    });
    tell(say('listening', { baud }));
    return stop;
  });
  toggled(get('hid'), async (over) => {
    if (!navigator.hid) throw new Error(say('noHid'));
    const device = await yima.chooseHid();
    if (!device) throw new Error(say('noHidChosen'));
    const stop = await yima.watchHid(device, present, (why) => {
      over();
      tell(say('serialEnded', { why: lineWords(why) }), true);
    });
    tell(say('hidListening', { name: device.productName }));
    return stop;
  });
  get('choose').addEventListener('click', () => get('file').click());
  get('file').addEventListener('change', async (event) => {
    await takeFiles([...event.target.files]);
    event.target.value = '';
  });
  get('judge').addEventListener('click', () => takeText(get('pasted').value));
  get('mode').addEventListener('change', stand);
  get('at').addEventListener('change', async () => {
    if (!state.given || state.gate) return;
    await stand();
    if (state.gate) tell(say('ready'));
  });
  get('reveal').addEventListener('change', () => state.current && show(state.current));
  get('language').addEventListener('click', () => {
    state.zh = !state.zh;
    translate();
  });
  get('capture').addEventListener('click', () => {
    const blob = new Blob([yima.captured(state.shown, get('level').value)], { type: 'application/x-ndjson' });
    const link = Object.assign(document.createElement('a'), { href: URL.createObjectURL(blob), download: 'capture.jsonl' });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 1000);
    const lacks = state.gone.reduce((sum, gone) => sum + gone.count, 0);
    if (lacks) tell(say('lacks', { n: lacks, most: KEPT_MOST }));
  });
  document.addEventListener('paste', (event) => {
    if (event.clipboardData.files.length) takeFiles([...event.clipboardData.files]);
    else if (event.target !== get('pasted') && event.target !== get('at')) takeText(event.clipboardData.getData('text'));
  });
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('over');
  });
  document.addEventListener('dragleave', () => document.body.classList.remove('over'));
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    document.body.classList.remove('over');
    takeFiles([...event.dataTransfer.files]);
  });

  const dark = matchMedia('(prefers-color-scheme: dark)');
  const dress = (theme) => (document.documentElement.dataset.theme = theme);
  dress(dark.matches ? 'dark' : 'light');
  dark.addEventListener('change', () => dress(dark.matches ? 'dark' : 'light'));
  get('theme').addEventListener('click', () => dress(document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark'));

  await core.ready;
  const bytesOf = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  state.roots = tables.testRoots.map(({ index, key }) => ({ index, key: bytesOf(key) }));
  translate();
  tell(say('ready'));
  document.documentElement.dataset.ready = 'yes';
})();
