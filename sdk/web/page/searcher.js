'use strict';
/* In a worker: answers each payload with what the diagnosis says of it, {found} or {problem}. It ends the script that the
 * build packs for search.js. */
onmessage = async ({ data }) => {
  const { core, diagnoseCard, diagnose } = globalThis.yima;
  try {
    await core.ready;
    const [found] = diagnoseCard(data) ?? diagnose(data, core.whole, { signed: core.verify });
    postMessage({ found });
  } catch (error) {
    postMessage({ problem: String(error.message ?? error) });
  }
};
