
// ---- requests and one request's story ---------------------------------------------------------
let only = "", latest = [];
const classOf = status => String(Math.floor(status / 100));

function makeRequest(r) {
  const row = make("button", "request", make("time", "", clock(r.time)), make("span", "status", r.status ? String(r.status) : "left"),
    make("span", "model", r.model || r.path || "–"), make("span", "chain"), make("span", "mini"), make("span", "took", took(r.duration_ms)));
  row.type = "button";
  row.children[0].dateTime = r.time;
  row.children[1].dataset.class = classOf(r.status);
  const chain = row.children[3];
  r.attempts.forEach((a, i) => {
    if (i) chain.append(make("span", "arrow", "→"));
    const isGood = a.outcome === "ok";
    chain.append(make("span", "hop" + (isGood ? "" : " bad"), a.backend), make("small", "soft", (a.outcome === "status" ? String(a.status) : isGood ? "" : inWords(a.outcome)) + (isGood ? took(a.ms) : "")));
  });
  for (const a of r.attempts) row.children[4].append(make("i", a.outcome === "ok" ? "" : "bad"));
  if (!r.attempts.length) chain.append(make("span", "soft", r.details ? inWords(r.details) : "not sent anywhere"));
  row.setAttribute("aria-label", clock(r.time) + ", " + (r.status || "client left") + ", " + plural(r.attempts.length, "attempt") + ", " + took(r.duration_ms) + ": tell its story");
  row.addEventListener("click", () => tell(r.id));
  return make("li", "", row);
}

/* How long each attempt took, against the slowest request in the list. */
function scale(li, r, longest) {
  const bars = li.querySelectorAll(".mini i");
  r.attempts.forEach((a, i) => { bars[i].style.width = (100 * a.ms / longest).toFixed(1) + "%"; });
}

/* A list that moves cannot be read or pointed at: it waits while somebody is in it. */
const isLookedAt = () => byId("requests").matches(":hover, :focus-within") || byId("story").open;

function showRequests(isAsked = false) {
  byId("held").hidden = !isLookedAt() || isAsked;
  if (!isAsked && isLookedAt() && byId("requests").childElementCount) return;
  const chosen = latest.filter(r => only === "" || (only === "errors" ? isError(r) || r.status >= 400 : r.attempts.some(a => a.priority > r.attempts[0].priority)));
  const shown = chosen.slice(0, 25);
  const longest = Math.max(1, ...shown.map(r => r.duration_ms));
  sync(byId("requests"), shown, r => r.id + r.time, makeRequest, (li, r) => scale(li, r, longest));
  const none = byId("no-requests");
  none.hidden = chosen.length > 0;
  setText(none, latest.length ? "None among the last " + latest.length + "." : "No request has finished yet.");
}

for (const button of document.querySelectorAll(".choice button"))
  button.addEventListener("click", () => {
    only = button.dataset.only;
    for (const other of document.querySelectorAll(".choice button")) other.setAttribute("aria-pressed", String(other === button));
    askRequests(true);
  });

byId("requests").addEventListener("keydown", e => {
  const step = {ArrowDown: 1, ArrowUp: -1, j: 1, k: -1}[e.key];
  if (!step) return;
  const rows = [...byId("requests").querySelectorAll(".request")];
  const next = rows[rows.indexOf(document.activeElement) + step];
  if (!next) return;
  e.preventDefault();
  next.focus();
});
byId("find").addEventListener("submit", e => {
  e.preventDefault();
  const id = byId("wanted").value.trim();
  if (id) tell(id);
});

function lane(a, end, commit) {
  const bar = make("i", "");
  const track = make("div", "track", bar);
  const from = 100 * a.started_ms / end, width = 100 * a.duration_ms / end;
  bar.style.left = Math.min(from, 99) + "%";
  bar.style.width = Math.max(width, .6) + "%";
  const label = make("em", "", (a.outcome === "ok" ? took(a.duration_ms) : (a.outcome === "status" ? a.status : inWords(a.outcome)) + " · " + took(a.duration_ms)));
  if (from + width < 62) label.style.left = from + width + "%";
  else if (from > 38) label.style.right = 100 - from + "%";
  else {
    label.style.left = from + "%";
    label.style.color = "var(--back)";
  }
  track.append(label);
  if (commit !== null) {
    const mark = make("u", "");
    mark.style.left = 100 * commit / end + "%";
    track.append(mark);
  }
  const row = make("div", "lane", make("span", "", a.backend), track);
  row.dataset.tone = a.outcome === "ok" ? "good" : a.outcome === "superseded" || a.outcome === "cancelled" ? "soft" : "bad";
  row.setAttribute("role", "img");
  row.setAttribute("aria-label", "Attempt " + a.number + " on " + a.backend + ": " + inWords(a.outcome) + " after " + took(a.duration_ms) + ", begun at " + took(a.started_ms));
  return row;
}

function because(line) {
  const at = line.at ? make("code", "", shortPlace(line.at)) : "";
  if (line.at) at.title = line.at;
  const from = line.default ? (line.object ? " the default of " + line.object + ", " : " a default, ") + (line.field || "") : " " + [line.object, line.field].filter(Boolean).join(" · ");
  return make("span", "because" + (line.default ? " plain" : ""), at, from);
}

function storyTitle(s) {
  const tried = new Set(s.attempts.map(a => a.backend)).size;
  const last = s.attempts.at(-1);
  if (!s.attempts.length) return s.route ? "Answered here, nobody was asked" : "No route took it";
  if (s.status === 0 || s.details === "downstream_gone") return "The client left";
  const isCut = s.origin === "upstream" && s.status < 400;
  if (isCut) return last.backend + " broke off its answer";
  if (s.status >= 400) return s.origin === "upstream" ? last.backend + "’s error went to the client" : plural(s.attempts.length, "attempt") + ", no answer";
  if (tried > 1) return last.backend + " stepped in for " + s.attempts[0].backend;
  return s.attempts.length > 1 ? last.backend + " answered at attempt " + s.attempts.length : last.backend + " answered at once";
}

const fact = (name, value) => value === null || value === "" || value === undefined ? [] : [make("div", "", make("dt", "", name), make("dd", "", value))];

function storyBody(s) {
  const winner = s.attempts.find(a => a.outcome === "ok");
  const close = make("button", "close", "✕");
  close.type = "button";
  close.setAttribute("aria-label", "Close");
  close.addEventListener("click", () => byId("story").close());
  const title = make("h2", "", storyTitle(s));
  title.id = "story-title";
  title.tabIndex = -1;
  const facts = make("dl", "facts",
    ...fact("Status", s.status ? String(s.status) : "none"), ...fact("Took", took(s.duration_ms)),
    ...fact("First byte", s.commit_ms === null ? "" : took(s.commit_ms)), ...fact("Model", s.model),
    ...fact("Answered by", winner ? winner.backend : ""), ...fact("Tokens", s.tokens.input || s.tokens.output ? (s.tokens.input ?? "–") + " in, " + (s.tokens.output ?? "–") + " out" : ""),
    ...fact("Kind", s.stream ? "stream" : "unary"), ...fact("Flags", s.flags), ...fact("Cause", s.details ? inWords(s.details) : ""),
    ...fact("Client", s.client), ...fact("Configuration", s.generation === null ? "" : "generation " + s.generation));
  const parts = [make("header", "", make("div", "", title, make("p", "id", s.id), make("p", "soft", clock(s.time) + " · " + (s.method || "") + " " + (s.path || "") + (s.route ? " · " + s.route : ""))), close), facts];
  if (s.attempts.length) {
    const end = Math.max(s.duration_ms, ...s.attempts.map(a => a.started_ms + a.duration_ms), .001);
    parts.push(make("div", "gantt", ...s.attempts.map(a => lane(a, end, s.commit_ms)),
      make("div", "axis", make("span", ""), make("span", "", make("b", "", "0"), make("b", "", took(end))))));
  }
  const steps = make("ol", "steps");
  for (const step of s.story) {
    const li = make("li", "", make("time", "", step.at_ms < .1 ? "0" : "+" + took(step.at_ms)), make("div", "", make("span", "what", step.text), ...step.decided_by.map(because)));
    li.dataset.what = step.what;
    steps.append(li);
  }
  if (!s.story.length) steps.append(make("li", "", make("time", ""), make("span", "soft", s.details ? inWords(s.details) : "There is nothing to tell.")));
  parts.push(steps);
  return parts;
}

async function tell(id) {
  try {
    const answer = await ask("requests/" + encodeURIComponent(id));
    const body = await answer.json();
    if (!answer.ok) return toast(body.error.message, true);
    const dialog = byId("story");
    dialog.replaceChildren(...storyBody(body));
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
    byId("story-title").focus();
    history.replaceState(null, "", "#request=" + encodeURIComponent(id));
  } catch (e) {
    toast(e instanceof locked ? "The token is no longer good." : "No answer: " + e.message, true);
  }
}
byId("story").addEventListener("close", () => history.replaceState(null, "", location.pathname));
byId("story").addEventListener("click", e => { if (e.target === byId("story")) byId("story").close(); });
