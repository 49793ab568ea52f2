// Asks for a new picture every few seconds; the choices are those of the page's own address.
"use strict";
const image = document.getElementById("code");
const left = document.getElementById("left");
const every = Number(document.body.dataset.every);
let next = Date.now() + every * 1000;
let asking = false;
let late = false;

async function renew() {
  asking = true;
  try {
    const answer = await fetch("code.png" + location.search, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(String(answer.status));
    const before = image.src;
    image.src = URL.createObjectURL(await answer.blob());
    if (before.startsWith("blob:")) URL.revokeObjectURL(before);
    late = false;
  } catch {
    late = true; // the old picture stays, and the page says that it is old
  }
  next = Date.now() + every * 1000;
  asking = false;
}

setInterval(() => {
  if (Date.now() >= next && !asking) renew();
  const seconds = Math.max(0, Math.ceil((next - Date.now()) / 1000));
  left.textContent = late ? left.dataset.late : left.dataset.left.replace("%", seconds);
  left.classList.toggle("late", late);
}, 200);

for (const choice of document.querySelectorAll("select")) choice.addEventListener("change", () => choice.form.submit());
document.getElementById("full").addEventListener("click", () => {
  document.documentElement.requestFullscreen?.();
  navigator.wakeLock?.request("screen").catch(() => {});
});
