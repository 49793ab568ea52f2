/* Asks once a second what happened, and shows it. Nothing from outside becomes markup. */
"use strict";
(() => {
  const ROWS = 200;
  const STEPS = ["read_ms", "judge_us", "journal_ms", "gate_ms", "total_ms"];
  const COLUMNS = ["at", "what", "detail", "account", "fare", ...STEPS];
  const TIMES = new Set(["oldest_pending_at", "parameters_not_before", "parameters_expiry", "parameters_waiting_from", "deny_list_issued_at"]);
  const KNOWN = new Set(["number", "event", "at", "english", "chinese", "epoch", "problem_zh", "remedy_zh"]);

  const element = (id) => document.getElementById(id);
  let chinese = navigator.language.startsWith("zh") ? 1 : 0;
  let token = brought();
  let [last, missed, events, state, problem] = [0, 0, [], null, null];

  const say = (name) => globalThis.texts[name]?.[chinese] ?? name;
  const shown = (seconds) => new Date(seconds * 1000).toLocaleString(chinese ? "zh-CN" : "en-GB");
  const clock = (seconds) => (seconds > 0 ? shown(seconds) : say("none"));

  /* The token in the address. These four characters a browser writes there in its own way. */
  function brought() {
    return location.hash.slice(1).replace(/%(?:22|3C|3E|60)/g, decodeURIComponent);
  }

  function made(tag, text, kind = "") {
    const node = document.createElement(tag);
    node.textContent = text;
    node.className = kind;
    return node;
  }

  async function ask() {
    problem = await looked();
    show();
    setTimeout(ask, 1000);
  }

  /* Takes what there is to see, and gives what was wrong, by its name in the texts; null: nothing. */
  async function looked() {
    if (/[^ -~]/.test(token)) return "refused"; // no request can carry it, and no token has such letters
    try {
      const headers = token ? { Authorization: `Bearer ${token}` } : {};
      const answer = await fetch("state.json", { headers, cache: "no-store", signal: AbortSignal.timeout(5000) });
      if (answer.ok) take(await answer.json());
      return answer.status === 401 ? "refused" : answer.ok ? null : "lost";
    } catch {
      return "lost";
    }
  }

  function take(found) {
    const newest = found.events.at(-1)?.number ?? 0;
    if (state && state.about.run !== found.about.run) [last, missed, events] = [0, 0, []]; // it was started again
    const fresh = found.events.filter((event) => event.number > last);
    if (fresh.length && last) missed += fresh[0].number - last - 1;
    last = newest;
    events = [...fresh.reverse(), ...events].slice(0, ROWS);
    state = found;
  }

  function value(name, what) {
    if (TIMES.has(name)) return clock(what);
    if (name === "memory") return `${what.used} / ${what.most}`;
    if (name === "threads") return what.map((one) => `${one.name}: ${one.standing}`).join(", ") || say("none");
    if (typeof what === "boolean") return say(what ? "yes" : "no");
    return what === -1 ? say("unknown") : String(what);
  }

  function detail(event) {
    if (event.event === "tap") {
      const faults = (chinese && event.faults_zh) || event.faults;
      return [event.family, event.again ? say("again") : "", ...faults].filter(Boolean).join(" · ");
    }
    const told = Object.entries(event).filter(([name, what]) => !KNOWN.has(name) && what !== null);
    const chosen = told.map(([name, what]) => [name, (chinese && event[`${name}_zh`]) || what]);
    const plain = (what) => (typeof what === "object" ? JSON.stringify(what) : what);
    return chosen.map(([name, what]) => `${name}: ${plain(what)}`).join(" · ");
  }

  function row(event) {
    const node = document.createElement("tr");
    const names = { refused: "event_refused" };
    const words = chinese ? event.chinese : event.english;
    const kind = event.event !== "tap" ? "" : event.accepted ? "good" : "bad";
    node.append(made("td", clock(event.at)), made("td", words ?? say(names[event.event] ?? event.event), kind));
    node.append(made("td", detail(event)), made("td", event.account_masked ?? ""));
    node.append(made("td", event.accepted ? (event.fare_fen / 100).toFixed(2) : ""));
    node.append(...STEPS.map((step) => made("td", event[step] ?? "")));
    return node;
  }

  function show() {
    document.documentElement.lang = chinese ? "zh-CN" : "en";
    element("language").textContent = chinese ? "English" : "中文";
    for (const node of document.querySelectorAll("[data-text]")) node.textContent = say(node.dataset.text);
    element("asking").hidden = problem !== "refused";
    const line = say(problem ?? "live");
    if (element("state").textContent !== line) element("state").textContent = line; // said once
    element("state").className = problem ? "bad" : "good";
    element("missed").textContent = missed ? `${missed} ${say("missed")}` : "";
    element("heads").replaceChildren(...COLUMNS.map((column) => made("th", say(column))));
    if (state === null) return;
    element("name").textContent = state.about.name;
    const standing = { version: state.about.version, ...state.standing };
    const pairs = Object.entries(standing).map(([name, what]) => [say(name), value(name, what)]);
    const boxes = [[say("clock"), clock(state.now)], ...pairs].map(([name, what]) => {
      const box = document.createElement("div");
      box.append(made("dt", name), made("dd", what));
      return box;
    });
    element("standing").replaceChildren(...boxes);
    element("rows").replaceChildren(...events.map(row));
    const totals = events.filter((event) => event.event === "tap").map((event) => event.total_ms).sort((a, b) => a - b);
    const words = [totals[totals.length >> 1], totals.at(-1), totals.length];
    element("times").textContent = totals.length ? say("times").replace(/\{(\d)\}/g, (_, at) => words[at]) : "";
  }

  element("language").addEventListener("click", () => {
    chinese = 1 - chinese;
    show();
  });
  addEventListener("hashchange", () => {
    token = brought();
  });
  element("asking").addEventListener("submit", (event) => {
    event.preventDefault();
    token = element("token").value;
  });
  ask();
})();
