
// ---- events -----------------------------------------------------------------------------------
let events = [], isFirstLoad = true;

function makeEvent(e) {
  const li = make("li", isFirstLoad ? "" : "new", make("p", "", make("b", "", inWords(e.kind)), make("time", "", clock(e.time))), e.message);
  li.dataset.kind = e.kind;
  return li;
}

function addEvents(more) {
  const known = new Set(events.map(e => e.id));
  events = [...more.filter(e => !known.has(e.id)), ...events].sort((a, b) => b.id - a.id).slice(0, 60);
  sync(byId("events"), events, e => e.id, makeEvent);
  byId("no-events").hidden = events.length > 0;
}

// ---- refreshing -------------------------------------------------------------------------------
let timer = 0, isListening = false, isBackfilled = false;

function setState(state, text) {
  byId("state").dataset.state = state;
  setText(byId("state").lastChild, text);
}

function show(s) {
  setState(s.state, s.state);
  setText(byId("about"), "configuration " + s.generation + " · up " + span(s.uptime_seconds) + " · " + s.version);
  document.title = (s.routes.some(r => r.rules.some(rule => rule.priorities.some(p => p.backends.some(b => b.endpoints.some(isOut))))) ? "● " : "") + "understudy";
  for (const id of ["reload", "drain"]) byId(id).hidden = false;
  byId("drain").disabled = s.state === "draining";
  byId("shown").hidden = false;
  count_now(s);
  showHeadline(s);
  showVitals(s, latest);
  showRoutes(s);
  addEvents(s.events);
}

async function askRequests(isAsked = false) {
  const limit = isBackfilled ? 120 : 1000;
  const answer = await ask("requests?limit=" + limit + (only && isBackfilled ? "&only=" + only : ""));
  if (!answer.ok) return;
  latest = (await answer.json()).requests;
  if (!isBackfilled) backfill(latest);
  isBackfilled = true;
  showRequests(isAsked);
}

function lock() {
  setState("starting", "locked");
  byId("shown").hidden = true;
  byId("ask").hidden = false;
  setText(byId("wrong"), token ? "That is not it." : "");
  byId("token").focus();
}

async function refresh() {
  clearTimeout(timer);
  try {
    await askRequests();
    const answer = await ask("status");
    byId("ask").hidden = true;
    show(await answer.json());
    if (!isListening) {
      isListening = true;
      listen(e => { addEvents([e]); refreshSoon(); });
      const wanted = /^#request=(.+)$/.exec(location.hash);
      if (wanted) tell(decodeURIComponent(wanted[1]));
    }
    isFirstLoad = false;
  } catch (e) {
    if (e instanceof locked) return lock();
    setState("lost", "no answer");
  }
  timer = setTimeout(refresh, document.hidden ? 10000 : 1000);
}

/* Soon, but not for each of many events. */
function refreshSoon() {
  clearTimeout(timer);
  timer = setTimeout(refresh, 150);
}

byId("ask").addEventListener("submit", e => {
  e.preventDefault();
  token = byId("token").value.trim();
  byId("token").value = "";
  store(sessionStorage, "understudy-token", token);
  refresh();
});
document.addEventListener("visibilitychange", () => { if (!document.hidden && byId("ask").hidden) refreshSoon(); });

// ---- colours and keys -------------------------------------------------------------------------
const themes = ["system", "dark", "light"];
function setTheme(name) {
  if (name === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  store(localStorage, "understudy-theme", name === "system" ? null : name);
  byId("theme").setAttribute("aria-label", "Colours: " + (name === "system" ? "as the system" : name));
}
const currentTheme = () => document.documentElement.dataset.theme || "system";
const nextTheme = () => setTheme(themes[(themes.indexOf(currentTheme()) + 1) % themes.length]);
setTheme(themes.includes(store(localStorage, "understudy-theme")) ? store(localStorage, "understudy-theme") : "system");
byId("theme").addEventListener("click", nextTheme);
byId("help").addEventListener("click", () => byId("keys").showModal());
document.addEventListener("keydown", e => {
  if (e.ctrlKey || e.metaKey || e.altKey || /^(INPUT|TEXTAREA)$/.test(e.target.tagName) || document.querySelector("dialog[open]")) return;
  if (e.key === "/") {
    e.preventDefault();
    byId("wanted").focus();
  }
  if (e.key === "t") nextTheme();
  if (e.key === "?") byId("keys").showModal();
});
refresh();
