'use strict';
/* Runs the page's core in node: node run_core.js PAGE TASK. The task is JSON, {images, roots, judged: [[image, mode, hex,
 * clock]], signed: [hex]}; what came out is printed as JSON. */
const { readFileSync } = require('node:fs');
const { runInThisContext } = require('node:vm');

const [folder, taskFile] = process.argv.slice(2);
for (const name of ['core_wasm.js', 'core.js']) runInThisContext(readFileSync(`${folder}/${name}`, 'utf8'), name);
const { core } = globalThis.yima;
const task = JSON.parse(readFileSync(taskFile, 'utf8'));
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, 'hex'));

(async () => {
  await core.ready;
  const roots = core.rootsIn(bytes(task.roots));
  const judged = [];
  for (const [image, mode, hex, clock] of task.judged) {
    const gate = await core.gate(bytes(task.images[image]), { mode }, clock);
    const verdict = gate.judge(bytes(hex), clock);
    judged.push([verdict.accepted, verdict.reason.name, verdict.stages, verdict.fareFen, verdict.rule]);
  }
  const signed = task.signed.map((hex) => [core.family(bytes(hex)), Object.values(core.signatures(bytes(hex), roots)),
    core.whole(bytes(hex))]);
  const reasons = [...core.reasons.values()].map((r) => [r.number, r.name, r.labCase, r.text.en, r.text.zh]);
  process.stdout.write(JSON.stringify({ judged, signed, reasons, layout: core.layout }));
})();
