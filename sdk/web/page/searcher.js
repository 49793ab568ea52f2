'use strict';
/* In a worker: answers each {payload, baud} with what the diagnosis says of it, {found} or {problem}. baud is that of
 * the line that brought it, or 0. It ends the script that the build packs for search.js. */
onmessage = async ({ data: { payload, baud } }) => {
  const { core, diagnoseCard, diagnose } = globalThis.yima;
  try {
    await core.ready;
    const [found] = diagnoseCard(payload) ?? diagnose(payload, core.whole, { signed: core.verify, baud });
    postMessage({ found });
  } catch (error) {
    postMessage({ problem: String(error.message ?? error) });
  }
};
