/* Runs the page's scripts in Node and answers questions, one JSON line each; signatures are asked of whoever asks. */
"use strict";
const { readSync, writeSync, readFileSync } = require("node:fs");
const vm = require("node:vm");

for (const script of process.argv.slice(2)) vm.runInThisContext(readFileSync(script, "utf8"), { filename: script });

let rest = Buffer.alloc(0);
function line() {
  const piece = Buffer.alloc(1 << 16);
  while (!rest.includes(10)) {
    const size = readSync(0, piece);
    if (!size) process.exit(0);
    rest = Buffer.concat([rest, piece.subarray(0, size)]);
  }
  const end = rest.indexOf(10);
  const text = rest.subarray(0, end).toString();
  rest = rest.subarray(end + 1);
  return JSON.parse(text);
}
const say = (what) => {
  const text = Buffer.from(`${JSON.stringify(what)}\n`);
  for (let at = 0; at < text.length; ) at += writeSync(1, text, at);
};
const hex = (bytes) => bytes && Buffer.from(bytes).toString("hex");
const asked = (what) => (...pieces) => (say({ [what]: pieces.map(hex) }), line());

for (;;) {
  const { diagnose, pasted, payload, family, card, whole, baud } = line();
  const given = Buffer.from(diagnose ?? payload ?? family ?? "", "hex");
  const told = (one) => ({ ...one, bytes: hex(one.bytes) });
  if (card !== undefined) {
    say({ answer: yima.diagnoseCard(Buffer.from(card, "hex"))?.map(told) ?? null });
  } else if (diagnose !== undefined) {
    const options = whole ? {} : { signed: asked("signed"), baud };
    say({ answer: yima.diagnose(given, asked("whole"), options).map(told) });
  } else if (family !== undefined) {
    say({ answer: yima.diagnosing.familyOf(yima.diagnosing.stringOf(given)) });
  } else {
    const found = pasted === undefined ? yima.payload(given) : yima.pasted(pasted);
    say({ answer: { ...found, bytes: hex(found.bytes) } });
  }
}
