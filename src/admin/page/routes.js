
// ---- routes, priorities, backends -------------------------------------------------------------
const shownAtOnce = 12, denseFrom = 4;
const isOut = e => e.state === "ejected" || e.state === "failing_checks";
const opened = new Set();

function makeDot() {
  return make("span", "dot", svg("svg", {viewBox: "0 0 18 18", "aria-hidden": "true"},
    svg("circle", {cx: 9, cy: 9, r: 7.5, pathLength: 100}), svg("circle", {class: "left", cx: 9, cy: 9, r: 7.5, pathLength: 100}),
    svg("circle", {class: "core", cx: 9, cy: 9, r: 4})), make("span", ""));
}

/* How long the ejection was when it was first seen is what the ring is measured by. */
const longest = new Map();

function makeEndpoint() {
  const button = make("button", "", "");
  button.type = "button";
  button.addEventListener("click", () => eject(button.target, button.target.isEject));
  return make("div", "endpoint", makeDot(), make("code", ""), make("span", "note"), button);
}

function updateEndpoint(row, e, owner) {
  const [dot, address, note, button] = row.children;
  dot.className = "dot " + e.state;
  const key = owner.route + " " + owner.backend + " " + e.address;
  const left = e.state === "ejected" ? e.returns_in_ms : 0;
  if (left) longest.set(key, Math.max(longest.get(key) || 0, left));
  else longest.delete(key);
  setText(dot.lastChild, e.state === "ejected" ? "out, back in " + span(Math.ceil(left / 1000)) : inWords(e.state));
  dot.querySelector(".left").setAttribute("stroke-dashoffset", left ? 100 - 100 * left / longest.get(key) : 100);
  setText(address, e.address);
  const notes = [];
  if (e.ejections) notes.push("ejected " + plural(e.ejections, "time"));
  if (e.consecutive_5xx && !isOut(e)) notes.push(plural(e.consecutive_5xx, "failure") + " in a row");
  if (e.active_requests) notes.push(e.active_requests + " in flight");
  setText(note, notes.join(" · "));
  const isEject = e.state !== "ejected";
  button.target = {...owner, address: e.address, isEject};
  setText(button, isEject ? "Eject" : "Bring back");
  button.setAttribute("aria-label", (isEject ? "Eject " : "Bring back ") + owner.backend + " " + e.address);
}

function makeBackend() {
  return make("div", "backend", make("div", "who", make("strong", ""), make("span", "schema"), make("span", "score")), make("div", "ends"));
}

function updateBackend(box, b, route, seriesOf) {
  const [name, schema, score] = box.firstChild.children;
  setText(name, b.name);
  setText(schema, b.schema + (b.model_override ? " · " + b.model_override : "") + (b.weight === 1 ? "" : " · weight " + b.weight));
  if (seriesOf) {
    const ok = seriesOf.outcomes.ok || 0;
    const rate = seriesOf.attempts ? 100 * ok / seriesOf.attempts : 100;
    setText(score, count(ok) + " of " + plural(seriesOf.attempts, "attempt") + " good (" + (rate === 100 ? "100" : rate.toFixed(1)) + " %) · p50 " +
      took(seriesOf.duration_ms.p50) + " · p95 " + took(seriesOf.duration_ms.p95));
  } else setText(score, "not asked yet");
  const ends = b.endpoints.length ? b.endpoints : [];
  sync(box.lastChild, ends, e => e.address, makeEndpoint, (row, e) => updateEndpoint(row, e, {route: route.name, backend: b.name}));
  box.lastChild.dataset.empty = ends.length ? "" : "true";
  if (!ends.length && !box.querySelector(".more")) box.append(make("p", "more", "No endpoint: its name has not been resolved yet."));
  if (ends.length) box.querySelector(":scope > .more")?.remove();
}

/* Those in trouble first, then those that work most. */
function ordered(backends, seriesOf) {
  const weight = b => (b.endpoints.some(isOut) ? 1e12 : 0) + (seriesOf(b)?.attempts || 0);
  return backends.length <= shownAtOnce ? backends : [...backends].sort((a, b) => weight(b) - weight(a));
}

/* A backend may stand in a rule more than once. */
function named(backends) {
  const seen = new Map();
  return backends.map(b => {
    const name = b.namespace + "/" + b.name + "/" + (b.model_override || "");
    seen.set(name, (seen.get(name) || 0) + 1);
    return [b, name + "/" + seen.get(name)];
  });
}

function makePriority() {
  return make("div", "priority", make("div", "rung", make("b", ""), make("span", ""), make("div", "load", make("i", ""))),
    make("div", "backends", make("div", "list")));
}

function updatePriority(box, p, route, series, isStandingIn, key) {
  const rung = box.firstChild;
  setText(rung.children[0], String(p.priority));
  setText(rung.children[1], p.load_percent + " % of load");
  rung.dataset.load = p.load_percent ? "some" : "none";
  rung.setAttribute("aria-label", "Priority " + p.priority + ", " + p.load_percent + " % of new requests");
  rung.querySelector("i").style.width = p.load_percent + "%";
  box.toggleAttribute("data-standing-in", isStandingIn && p.load_percent > 0);
  const seriesOf = b => series && series.backends.find(x => x.backend === b.name && x.priority === p.priority);
  const all = ordered(p.backends, seriesOf);
  box.querySelector(".backends").classList.toggle("dense", all.length > denseFrom);
  const shown = opened.has(key) ? all : all.slice(0, shownAtOnce);
  sync(box.querySelector(".list"), named(shown), ([, name]) => name, makeBackend, (e, [b]) => updateBackend(e, b, route, seriesOf(b)));
  let more = box.querySelector(".backends > .more");
  if (all.length <= shownAtOnce) return void more?.remove();
  if (!more) {
    more = make("button", "more", "");
    more.type = "button";
    more.addEventListener("click", () => { opened.has(key) ? opened.delete(key) : opened.add(key); refreshSoon(); });
    box.querySelector(".backends").append(more);
  }
  const out = all.filter(b => b.endpoints.some(isOut)).length;
  setText(more, opened.has(key) ? "Show fewer" : "Show all " + all.length + " backends" + (out ? ", " + out + " of them out" : ""));
  more.setAttribute("aria-expanded", String(opened.has(key)));
}

function makeRoute() {
  return make("article", "route", make("header", "", make("h2", ""), make("span", "soft"), make("span", "times")), make("div", "rules"));
}

function updateRoute(box, r, all) {
  const series = all.find(x => x.route === r.name);
  const [name, about, times] = box.firstChild.children;
  setText(name, r.name);
  setText(about, shortPlace(r.source));
  about.title = r.source;
  setText(times, series ? count(series.requests) + " requests · p50 " + took(series.duration_ms.p50) + " · p95 " + took(series.duration_ms.p95) +
    " · first byte " + took(series.first_byte_ms.p50) : "no request yet");
  sync(box.lastChild, r.rules, rule => rule.name, () => make("section", "", make("h3", ""), make("div", "")), (e, rule) => {
    e.firstChild.hidden = r.rules.length < 2;
    setText(e.firstChild, rule.name);
    const first = rule.priorities[0];
    sync(e.lastChild, rule.priorities, p => p.priority, makePriority, (row, p) =>
      updatePriority(row, p, r, series, p !== first && first.load_percent < 100, rule.name + " " + p.priority));
  });
}

function showRoutes(s) {
  const box = byId("routes");
  if (!s.routes.length) {
    if (!box.querySelector(".empty"))
      box.replaceChildren(make("p", "empty", "This configuration has no route. An ", make("code", "", "AIGatewayRoute"), " or ", make("code", "", "HTTPRoute"), " makes one."));
    return;
  }
  box.querySelector(".empty")?.remove();
  sync(box, s.routes, r => r.name, makeRoute, (e, r) => updateRoute(e, r, s.summary.routes));
}

// ---- the state in a sentence ------------------------------------------------------------------
function showHeadline(s) {
  const say = [], rules = s.routes.flatMap(r => r.rules.map(rule => ({route: r, rule})));
  const outs = new Map(), ins = new Set(), lost = new Set();
  let endpoints = 0, soonest = Infinity;
  for (const {route, rule} of rules) {
    let isAny = false, isTrouble = false;
    for (const p of rule.priorities)
      for (const b of p.backends)
        for (const e of b.endpoints) {
          ++endpoints;
          if (!isOut(e)) isAny = true;
          else {
            outs.set(b.name, e.state);
            isTrouble = true;
            if (e.returns_in_ms !== undefined) soonest = Math.min(soonest, e.returns_in_ms);
          }
        }
    if (isTrouble && !isAny) lost.add(route.name);
    const first = rule.priorities[0];
    for (const p of rule.priorities)
      if (p !== first && p.load_percent > 0 && isTrouble)
        for (const b of p.backends) if (!outs.has(b.name)) ins.add(b.name);
  }
  const inBold = (names, kind) => names.length > 3 ? make("b", kind, plural(names.length, "backend")) : make("b", kind, listed(names));
  const be = names => names.length === 1 ? " is out" : " are out";
  let why = "";
  if (s.state === "draining") {
    say.push("Draining: open requests may finish.");
  } else if (!s.routes.length) {
    say.push("Nothing to serve yet.");
  } else if (lost.size) {
    say.push(make("b", "out", listed([...lost])), " has nobody left.");
    why = "Every endpoint is out" + (soonest < Infinity ? "; the first comes back in " + span(Math.ceil(soonest / 1000)) + "." : ".");
  } else if (outs.size) {
    const out = [...outs.keys()], stand = [...ins];
    say.push(inBold(out, "out"), be(out), stand.length ? "; " : "; the others of the priority carry on.");
    if (stand.length) say.push(inBold(stand, "in"), stand.length === 1 ? " stands in." : " stand in.");
    const last = s.events.find(e => e.kind === "ejection" || e.kind === "check_failed");
    const reason = last && /after (\S+?)(?:;|$)/.exec(last.message);
    why = (reason ? "Ejected by " + reason[1] + " at " + clock(last.time) + ". " : "") +
      (soonest < Infinity ? "Back in " + span(Math.ceil(soonest / 1000)) + ", with one trial request." : "");
  } else {
    say.push("All quiet. ", make("b", "", plural(endpoints, "endpoint")), endpoints === 1 ? " is in service." : " are in service.");
    const last = s.events.find(e => e.kind === "return" || e.kind === "ejection");
    why = last ? "Last: " + last.message + ", " + clock(last.time) + "." : "No ejection since the start.";
  }
  const box = byId("say");
  const text = say.map(x => x.textContent ?? x).join("");
  if (box.textContent !== text) box.replaceChildren(...say);
  setText(byId("why"), why);
}
