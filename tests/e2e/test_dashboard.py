"""The page of the admin listener in headless Chromium: what it shows, by mouse and by keyboard, and
that neither its own policy nor the console has anything to complain of."""
import json
import os
import pathlib
import re
import shutil
import signal
import threading

import pytest

from harness import config, raw
from harness.daemon import SLOWNESS, wait_until
from providers.server import status

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

CHAT = "/v1/chat/completions"
BODY = json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hi"}]}).encode()
JSON = [("content-type", "application/json")]
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
WAIT = 15_000 * SLOWNESS
WIDTHS = {"desktop": (1360, 900), "phone": (390, 844)}


def chromium_path():
    given = os.environ.get("UNDERSTUDY_CHROMIUM")
    return given or next(filter(None, map(shutil.which, NAMES)), None)


def children_of(pid):
    """All processes below this one."""
    below = []
    for stat in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            name, rest = stat.read_text().rsplit(")", 1)
        except OSError:
            continue  # it has just ended
        if int(rest.split()[1]) == pid:
            child = int(name.split()[0])
            below += [(child, name.split("(", 1)[1]), *children_of(child)]
    return below


def end_browser():
    for pid, name in children_of(os.getpid()):
        if "chrom" in name or "headless" in name:
            os.kill(pid, signal.SIGKILL)


@pytest.fixture
def patience():
    """A browser that hangs ends its test and those after it, not the run: what Playwright waits for is no
    Python that a timeout could interrupt."""
    watchdog = threading.Timer(50 * SLOWNESS, end_browser)
    watchdog.start()
    yield
    watchdog.cancel()


@pytest.fixture(scope="module")
def chromium():
    path = chromium_path()
    if not path:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed, UNDERSTUDY_CHROMIUM is not set")
    with sync_api.sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        except sync_api.Error as error:
            pytest.skip(f"{path} does not start: {str(error).splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, patience, start, provider):  # pages close before their daemons
    """visit(daemon, width=…, scheme=…) → a page that shows it. What the console says fails the
    test, but for what `expects` matches."""
    contexts, said = [], []

    def open_page(daemon, width="desktop", scheme="light", expects=None, fragment="", is_shown=True,
                  prepare=None):
        size = dict(zip(("width", "height"), WIDTHS[width]))
        context = chromium.new_context(viewport=size, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(WAIT)

        def hear(text):
            if not expects or not re.search(expects, text):
                said.append(text)
        page.on("console", lambda m: hear(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda e: said.append(str(e)))
        page.on("request", lambda r: said.append(f"asks elsewhere: {r.url}")
                if not r.url.startswith((f"http://127.0.0.1:{daemon.admin_port}/", "data:")) else None)
        if prepare:
            prepare(page)
        page.answer = page.goto(f"http://127.0.0.1:{daemon.admin_port}/{fragment}")
        if is_shown:
            page.wait_for_selector("#shown:not([hidden])")
        return page
    yield open_page
    for context in contexts:
        context.close()
    assert said == []


def policy():
    return config.traffic_policy(
        retry=config.retry(3, codes=(503,)),
        healthCheck=config.passive(consecutive5XxErrors=1, baseEjectionTime="300s"))


@pytest.fixture
def failing(start, provider):
    """A primary that answers 503 and is ejected by the first one; three requests went through."""
    daemon = start(config.primary_and_fallback(
        provider(status(503), "primary"), provider(name="fallback"), policy()))
    for n in range(3):
        raw.ask(daemon.port, "POST", CHAT, BODY, [*JSON, ("x-request-id", f"request-{n}")])
    return daemon


def text(page, selector):
    return page.inner_text(selector)


def until(page, claim):
    """Playwright's own wait_for_function evaluates text, which the page's policy rightly refuses."""
    wait_until(lambda: page.evaluate(claim), timeout=15, what=claim)


def shot(page, name):
    """For whoever wants to look: UNDERSTUDY_SCREENSHOTS names a folder."""
    folder = os.environ.get("UNDERSTUDY_SCREENSHOTS")
    if folder:
        page.screenshot(path=str(pathlib.Path(folder) / f"{name}.png"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ("light", "dark"))
def test_who_is_out_and_who_stands_in(visit, failing, width, scheme):
    page = visit(failing, width, scheme)
    assert "script-src 'sha256-" in page.answer.headers["content-security-policy"]
    assert "unsafe" not in page.answer.headers["content-security-policy"]
    until(page, "document.getElementById('say').textContent === 'primary is out; fallback stands in.'")
    assert "consecutive5XxErrors" in text(page, "#why")
    page.wait_for_selector("#requests li")
    assert "primary" in text(page, ".priority >> nth=0")
    assert "out, back in" in text(page, ".priority >> nth=0")
    assert "100 % of load" in text(page, ".priority >> nth=1")
    assert "ejection" in text(page, "#events")
    assert page.locator("#requests li").count() == 3
    # Nothing is cut off at the side.
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, f"{width}-{scheme}")


def test_one_request_by_keyboard_alone(visit, failing):
    page = visit(failing)
    page.wait_for_selector("#requests li")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "wanted"
    page.keyboard.type("request-0")
    page.keyboard.press("Enter")
    page.wait_for_selector("#story[open]")
    assert text(page, "#story-title") == "fallback stepped in for primary"
    shot(page, "story")
    story = text(page, ".steps")
    assert "config-0.yaml:" in story and "spec.retry.retryOn.httpStatusCodes" in story
    assert page.locator(".lane").count() == 2
    assert page.url.endswith("#request=request-0")
    page.keyboard.press("Escape")
    page.wait_for_selector("#story:not([open])", state="attached")
    # From the filters into the list, down a row, and into a story.
    page.focus(".choice [data-only=failovers]")
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#requests li').length === 1")
    page.focus(".choice [data-only='']")
    page.keyboard.press("Enter")
    until(page, "document.querySelectorAll('#requests li').length === 3")
    page.focus("#requests .request")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector("#story[open]")
    assert text(page, "#story-title") == "fallback answered at once"


def test_every_control_has_a_name_and_is_reached_by_tab(visit, failing):
    page = visit(failing)
    page.wait_for_selector("#requests li")
    unnamed = page.evaluate("""[...document.querySelectorAll('button, input, a')]
        .filter(e => !e.getAttribute('aria-label') && !e.textContent.trim() && !e.labels?.length)
        .map(e => e.outerHTML)""")
    assert unnamed == []
    reached = []
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(
            "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"))
    for wanted in ("skip", "reload", "drain", "theme", "help", "events", "wanted", "request"):
        assert wanted in reached, reached


def test_a_story_has_an_address_of_its_own(visit, failing):
    page = visit(failing, fragment="#request=request-1")
    page.wait_for_selector("#story[open]")
    assert "request-1" in text(page, "#story .id")


def test_eject_and_bring_back(visit, failing):
    page = visit(failing)
    page.wait_for_selector("[aria-label^='Bring back primary']")
    page.click("[aria-label^='Bring back primary']")
    until(page, "document.getElementById('say').textContent.startsWith('All quiet')")
    page.click("[aria-label^='Eject fallback']")
    page.wait_for_selector("#confirm[open]")
    page.keyboard.press("Escape")  # no
    page.wait_for_selector("#confirm:not([open])", state="attached")
    page.click("[aria-label^='Eject fallback']")
    page.click("#confirm-yes")
    page.wait_for_selector("[aria-label^='Bring back fallback']")
    wait_until(lambda: '"action":"eject"' in failing.stderr(), what="the audit line")
    page.click("#reload")
    page.click("#confirm-yes")
    until(page, "document.getElementById('about').textContent.startsWith('configuration 2')")


def test_the_token_is_asked_for_and_kept_in_the_tab(visit, start, provider):
    daemon = start(config.single(provider(name="only")), flags=("--admin-token", "let-me-in"), wait=False)
    token = {"authorization": "Bearer let-me-in"}
    wait_until(lambda: daemon.admin("/ready", quiet=True, headers=token)[0] == 200, what="readiness")
    page = visit(daemon, expects="401", is_shown=False)
    page.wait_for_selector("#ask:not([hidden])")
    assert page.locator("#drain").is_hidden()
    page.keyboard.type("wrong")  # it has the focus
    page.keyboard.press("Enter")
    until(page, "document.getElementById('wrong').textContent === 'That is not it.'")
    page.keyboard.type("let-me-in")
    page.keyboard.press("Enter")
    page.wait_for_selector("#shown:not([hidden])")
    assert page.locator("#drain").is_visible()
    assert page.evaluate("localStorage.length") == 0
    assert page.evaluate("document.cookie") == ""
    page.reload()
    page.wait_for_selector("#shown:not([hidden])")


def test_colours_follow_the_system_until_told(visit, failing):
    page = visit(failing, scheme="dark")
    back = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(back)
    page.keyboard.press("t")  # dark, whatever the system says
    assert page.evaluate(back) == dark
    page.keyboard.press("t")
    assert page.evaluate(back) != dark
    page.reload()
    page.wait_for_selector("#shown:not([hidden])")
    assert page.evaluate(back) != dark


@pytest.mark.parametrize("count", (1, 100))
def test_any_number_of_backends(visit, start, provider, count):
    one = provider(name="only")
    names = [f"backend-{n:03}" for n in range(count)]
    objects = [config.route(names)]
    for name in names:
        objects += config.backend(name, one.port)
    page = visit(start(config.documents(*objects)))
    page.wait_for_selector(".backend")
    assert page.locator(".backend").count() == min(count, 12)
    if count > 12:
        page.click("button.more")
        until(page, f"document.querySelectorAll('.backend').length === {count}")
        shot(page, "hundred")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_plan_without_a_route(visit, start, provider):
    """No configuration gets that far today; the page does not rely on it."""
    def without_routes(route):
        status_page = route.fetch().json()
        route.fulfill(json={**status_page, "routes": [], "events": []})
    page = visit(start(config.single(provider(name="only"))),
                 prepare=lambda page: page.route("**/status", without_routes))
    page.wait_for_selector("#routes .empty")
    assert text(page, "#say") == "Nothing to serve yet."
