
"use strict";
// ---- small helpers ----------------------------------------------------------------------------
const byId = id => document.getElementById(id);
const make = (tag, kind, ...content) => {
  const e = document.createElement(tag);
  if (kind) e.className = kind;
  e.append(...content);
  return e;
};
const svg = (tag, attributes, ...content) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...content);
  return e;
};
const setText = (e, text) => { if (e.textContent !== text) e.textContent = text; };

/* Keeps the children of `parent` in step with `items`: what stays is the same element, so that
   focus, selection and scroll positions survive every refresh. */
function sync(parent, items, key, create, update) {
  const known = new Map([...parent.children].map(child => [child.dataset.key, child]));
  let place = parent.firstElementChild;
  for (const item of items) {
    const name = String(key(item));
    let child = known.get(name);
    if (child) known.delete(name);
    else {
      child = create(item);
      child.dataset.key = name;
    }
    if (child === place) place = place.nextElementSibling;
    else parent.insertBefore(child, place);
    if (update) update(child, item);
  }
  for (const child of known.values()) child.remove();
}

const count = n => n < 10000 ? String(n) : new Intl.NumberFormat("en", {notation: "compact", maximumFractionDigits: 1}).format(n);
const few = n => n === 0 ? "0" : n < 10 ? n.toFixed(1) : count(Math.round(n));
const took = ms => ms < 10 ? ms.toFixed(1) + " ms" : ms < 1000 ? Math.round(ms) + " ms" : ms < 60000 ? (ms / 1000).toFixed(ms < 10000 ? 2 : 1) + " s" : span(ms / 1000);
const span = s => s < 120 ? Math.floor(s) + " s" : s < 7200 ? Math.floor(s / 60) + " min" : s < 172800 ? Math.floor(s / 3600) + " h" : Math.floor(s / 86400) + " d";
const plural = (n, what) => n + " " + what + (n === 1 ? "" : "s");
const clock = text => new Date(text).toLocaleTimeString([], {hour12: false});
const listed = names => names.length < 2 ? names.join("") : names.slice(0, -1).join(", ") + " and " + names.at(-1);
const quantile = (sorted, q) => sorted.length ? sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] : null;
const words = {failing_checks: "failing checks", check_failed: "check failed", check_passed: "check passed"};
const inWords = text => words[text] || text.replaceAll("_", " ");

/* The last part of a file's path; all of it where the pointer rests. */
const shortPlace = at => at.slice(at.lastIndexOf("/") + 1);

function store(kind, name, value) {
  try {
    if (value === undefined) return kind.getItem(name);
    if (value === null) kind.removeItem(name);
    else kind.setItem(name, value);
  } catch { /* not allowed here: it is only a convenience */ }
  return null;
}

// ---- asking the process -----------------------------------------------------------------------
let token = store(sessionStorage, "understudy-token") || "";
const withToken = () => token ? {authorization: "Bearer " + token} : {};

class locked extends Error {}

async function ask(path, method = "GET") {
  const answer = await fetch(path, {method, headers: withToken(), signal: AbortSignal.timeout(8000)});
  if (answer.status === 401) throw new locked();
  return answer;
}

/* Server-sent events by fetch: EventSource cannot carry the token. */
async function listen(heard) {
  for (let last = 0, pause = 500;; pause = Math.min(pause * 2, 8000)) {
    try {
      const headers = {...withToken(), ...(last ? {"last-event-id": String(last)} : {})};
      const answer = await fetch("events", {headers});
      if (answer.ok) {
        const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
        for (let text = "";;) {
          const {done, value} = await reader.read();
          if (done) break;
          pause = 500;
          text += value;
          const blocks = text.split("\n\n");
          text = blocks.pop();
          for (const block of blocks) {
            const data = block.split("\n").find(line => line.startsWith("data: "));
            if (!data) continue;
            const event = JSON.parse(data.slice(6));
            last = event.id;
            heard(event);
          }
        }
      }
    } catch { /* the state says so already */ }
    await new Promise(done => setTimeout(done, pause));
  }
}

let toastTimer = 0;
function toast(text, isBad = false) {
  const e = byId("toast");
  e.textContent = text;
  e.className = "toast on" + (isBad ? " bad" : "");
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => e.classList.remove("on"), isBad ? 9000 : 4000);
}
