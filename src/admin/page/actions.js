
// ---- what an operator may do ------------------------------------------------------------------
function confirmed(title, text, yes, isDangerous) {
  const dialog = byId("confirm");
  byId("confirm-title").textContent = title;
  byId("confirm-text").textContent = text;
  const button = byId("confirm-yes");
  button.textContent = yes;
  button.className = isDangerous ? "danger" : "strong";
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise(done => dialog.addEventListener("close", () => done(dialog.returnValue === "yes"), {once: true}));
}

async function act(path, done) {
  try {
    const answer = await ask(path, "POST");
    const body = await answer.json();
    if (answer.ok) toast(done(body));
    else toast(body.error ? body.error.message : (body.findings || []).slice(0, 4).join("\n") || "refused", true);
  } catch (e) {
    toast(e instanceof locked ? "The token is no longer good." : "No answer: " + e.message, true);
  }
  refreshSoon();
}

async function eject(target, isEject) {
  const {route, backend, address} = target;
  const isSure = !isEject || await confirmed("Take " + backend + " out?",
    address + " of " + route + " gets no new requests for its ejection time; what is under way goes on.", "Eject", true);
  if (!isSure) return;
  await act("endpoints/" + [route, backend, address].map(encodeURIComponent).join("/") + (isEject ? "/eject" : "/uneject"),
    () => isEject ? backend + " is out: " + address : backend + " is back: " + address);
}

byId("reload").addEventListener("click", async () => {
  const isSure = await confirmed("Read the configuration again?",
    "A configuration that does not validate is refused, and the running one stays. Requests under way keep the one they began with.", "Reload");
  if (isSure) await act("reload", body => "Reloaded" + (body.findings.length ? ", with " + plural(body.findings.length, "warning") : "."));
});
byId("drain").addEventListener("click", async () => {
  const isSure = await confirmed("Drain and end this process?",
    "It takes no new connection, lets the open requests finish, and ends. There is no way back.", "Drain", true);
  if (isSure) await act("drain", () => "Draining.");
});
