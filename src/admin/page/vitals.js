
// ---- rates and sparklines ---------------------------------------------------------------------
const slots = 120;  // seconds
const series = {requests: [], failovers: [], errors: [], first: [], active: []};
let counted = null;

function push(list, value) {
  list.push(value);
  if (list.length > slots) list.shift();
}

/* What happened before the page was opened, from the requests that the process still knows. */
function backfill(requests) {
  const now = Date.now();
  const at = r => slots - 1 - Math.floor((now - Date.parse(r.time) - r.duration_ms) / 1000);
  for (const list of Object.values(series)) list.splice(0, list.length, ...Array(slots).fill(0));
  for (const r of requests) {
    const slot = at(r);
    if (slot < 0 || slot >= slots) continue;
    ++series.requests[slot];
    if (r.attempts.some(a => a.priority > r.attempts[0].priority)) ++series.failovers[slot];
    if (r.status >= 500) ++series.errors[slot];
    series.first[slot] = Math.max(series.first[slot], r.first_byte_ms);
  }
}

const isError = r => r.status === 0 || r.status >= 500 || (r.origin !== null && r.status < 400);

function count_now(s) {
  const m = s.summary;
  const now = {at: performance.now(), requests: m.requests, failovers: m.failovers, errors: m.answers["5xx"]};
  if (counted && now.requests >= counted.requests) {
    const seconds = Math.max((now.at - counted.at) / 1000, .2);
    for (const name of ["requests", "failovers", "errors"])
      push(series[name], (now[name] - counted[name]) / seconds);
    push(series.active, m.requests_active);
  }
  counted = now;
}

const vitals = [
  {name: "requests", label: "Requests a second", tone: "", value: () => few(recent("requests")), note: s => count(s.summary.requests) + " in all"},
  {name: "failovers", label: "Failovers a second", tone: "warn", value: () => few(recent("failovers")), note: s => count(s.summary.failovers) + " in all"},
  {name: "errors", label: "5xx to clients a second", tone: "bad", value: () => few(recent("errors")), note: s => share(s.summary)},
  {name: "first", label: "First byte, last requests", tone: "", value: () => middle === null ? "–" : took(middle), note: () => tail === null ? "" : "p95 " + took(tail)},
  {name: "active", label: "In flight", tone: "", value: () => count(series.active.at(-1) || 0), note: s => plural(s.summary.downstream_connections_active, "client connection")},
];
let middle = null, tail = null;

/* Over the last five seconds, so that a figure can be read. */
function recent(name) {
  const last = series[name].slice(-5);
  return last.length ? last.reduce((a, b) => a + b, 0) / last.length : 0;
}
function share(m) {
  const all = m.answers["2xx"] + m.answers["3xx"] + m.answers["4xx"] + m.answers["5xx"];
  if (!all) return "";
  const good = 100 - 100 * m.answers["5xx"] / all;
  return (good === 100 ? "100" : good.toFixed(2)) + " % without";
}

function path(values) {
  const top = Math.max(1, ...values);
  const points = values.map((v, i) => (i * 120 / (slots - 1)).toFixed(2) + " " + (32 - 29 * v / top).toFixed(2));
  const offset = slots - values.length;
  return offset ? values.map((v, i) => ((i + offset) * 120 / (slots - 1)).toFixed(2) + " " + (32 - 29 * v / top).toFixed(2)) : points;
}

function makeVital(v) {
  const box = make("div", "vital", make("h3", "", v.label), make("p", "", make("b", ""), make("span", "")));
  box.dataset.tone = v.tone;
  box.append(svg("svg", {class: "spark", viewBox: "0 0 120 34", preserveAspectRatio: "none", "aria-hidden": "true"},
    svg("line", {x1: 0, x2: 120, y1: 33, y2: 33}), svg("path", {class: "area"}), svg("path", {class: "stroke"})));
  return box;
}

function showVitals(s, requests) {
  const times = requests.slice(0, 100).map(r => r.first_byte_ms).sort((a, b) => a - b);
  middle = quantile(times, .5);
  tail = quantile(times, .95);
  const since = Date.now() - 1500;
  const fresh = requests.filter(r => Date.parse(r.time) + r.duration_ms > since).map(r => r.first_byte_ms);
  push(series.first, fresh.length ? Math.max(...fresh) : 0);
  sync(byId("vitals"), vitals, v => v.name, makeVital, (box, v) => {
    setText(box.querySelector("b"), v.value());
    setText(box.querySelector("span"), v.note(s));
    const points = path(series[v.name]);
    const line = points.length > 1 ? "M" + points.join("L") : "";
    box.querySelector(".stroke").setAttribute("d", line);
    box.querySelector(".area").setAttribute("d", line && line + "L120 34L" + points[0].split(" ")[0] + " 34Z");
  });
}
