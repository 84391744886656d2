"""`understudy simulate`: exit statuses, forms of the report, terminals."""
import json
import os
import pty
import subprocess
import time

import pytest

from harness.daemon import BINARY, ROOT

SEED = "config/provider-fallback.yaml"
READY = "config/scenarios/primary-503.yaml"


def simulate(*arguments, **environment):
    return subprocess.run([BINARY, "simulate", *arguments], cwd=ROOT, capture_output=True,
                          text=True, timeout=60, env={"PATH": os.environ["PATH"], **environment})


def scenario(folder, text):
    path = folder / "scenario.yaml"
    path.write_text(text)
    return str(path)


def test_a_scenario_that_holds():
    done = simulate(SEED, "--scenario", READY)
    assert done.returncode == 0
    assert "config/provider-fallback.yaml:65:11: BackendTrafficPolicy" in done.stdout
    assert "add 503 to `httpStatusCodes`" in done.stdout
    assert "\x1b" not in done.stdout
    assert ": warning: " in done.stderr  # what validate says stands beside it


def test_an_expectation_that_does_not_hold(tmp_path):
    done = simulate(SEED, "--scenario", scenario(tmp_path, """
duration: 1m
faults:
  - {backend: provider-fallback-always-failing-upstream, status: 503}
expect: {clientErrors: 0}
"""))
    assert done.returncode == 3
    assert "FAILS  clientErrors <= 0" in done.stdout


@pytest.mark.parametrize("text, told", [
    ("duration: soon\n", ":1:11: error: Scenario scenario: duration: `soon` is no duration"),
    ("faults:\n  - {backend: nobody, hang: true}\n", ":2:15: error: "),
])
def test_a_bad_scenario(tmp_path, text, told):
    done = simulate(SEED, "--scenario", scenario(tmp_path, text))
    assert done.returncode == 1
    assert told in done.stderr
    assert done.stdout == ""


def test_a_bad_configuration_and_no_scenario_file(tmp_path):
    (tmp_path / "c.yaml").write_text("kind: Backend\n")
    assert simulate(str(tmp_path / "c.yaml"), "--scenario", READY).returncode == 1
    done = simulate(SEED, "--scenario", str(tmp_path / "none.yaml"))
    assert (done.returncode, "can't be read" in done.stderr) == (1, True)


@pytest.mark.parametrize("arguments, flag", [
    ([SEED], "--scenario"),
    ([SEED, "--scenario", READY, "--output", "pdf"], "--output"),
    (["--scenario", READY], "CONFIG"),
])
def test_usage_errors_name_the_flag(arguments, flag):
    done = simulate(*arguments)
    assert done.returncode == 2
    assert flag in done.stderr


def test_json_and_html():
    story = json.loads(simulate(SEED, "--scenario", READY, "--output", "json").stdout)
    assert story["clientErrors"] == story["backends"][0]["ejections"] == 5
    page = simulate(SEED, "--scenario", READY, "--output", "html").stdout
    assert page.startswith("<!doctype html>") and "<svg" in page and "<script" not in page


def test_keys_need_not_be_set():
    done = simulate("config/active-active.yaml", "--scenario", "config/scenarios/throttling.yaml")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("no_color, is_coloured", [(None, True), ("", True), ("1", False)])
def test_colours_on_a_terminal_unless_unwanted(no_color, is_coloured):
    environment = {"PATH": os.environ["PATH"], "TERM": "xterm"}
    if no_color is not None:
        environment["NO_COLOR"] = no_color
    ours, theirs = pty.openpty()
    child = subprocess.Popen([BINARY, "simulate", SEED, "--scenario", READY], cwd=ROOT,
                             stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:
        pass  # a terminal whose other end has closed
    os.close(ours)
    assert child.wait(timeout=60) == 0
    assert (b"\x1b[31m" in shown) == is_coloured


def test_ten_minutes_at_a_hundred_a_second_take_no_two_seconds(tmp_path):
    path = scenario(tmp_path, """
duration: 10m
load: {requestsPerSecond: 100, streaming: 50}
faults:
  - {backend: provider-fallback-always-failing-upstream, every: 60s, lasts: 20s, refuse: true}
""")
    began = time.monotonic()
    done = simulate(SEED, "--scenario", path)
    took = time.monotonic() - began
    assert "60000 requests" in done.stdout
    slowness = float(os.environ.get("UNDERSTUDY_TEST_SLOWNESS", "1"))
    assert took < 2 * slowness
