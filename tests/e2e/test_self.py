"""What the program says of itself: completions, the manual page, the reference of the kinds."""
import re
import shutil
import subprocess

import pytest

from harness.daemon import ROOT, run

COMMANDS = ("run", "demo", "validate", "simulate", "version", "healthcheck", "completion", "man",
            "kinds")


def said(*arguments):
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def flags_of(command):
    """The flags that `understudy COMMAND --help` lists."""
    listed = re.findall(r"^\s+(-[^\s\[]*)", said(command, "--help"), re.M)
    return {flag for flags in listed for flag in re.findall(r"--[a-z-]+", flags)} - {"--help"}


def bash_completions(*words):
    script = said("completion", "bash") + """
COMP_WORDS=(understudy "$@")
COMP_CWORD=$#
_understudy
printf '%s\\n' "${COMPREPLY[@]}"
"""
    done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                          timeout=20, check=True, cwd=ROOT)
    return set(done.stdout.split())


def test_bash_completes_commands():
    assert bash_completions("") == set(COMMANDS)
    assert bash_completions("si") == {"simulate"}


@pytest.mark.parametrize("command", COMMANDS)
def test_bash_completes_every_flag(command):
    assert flags_of(command) - bash_completions(command, "--") == set()


@pytest.mark.parametrize("words, expected", [
    (("run", "--log-format", ""), {"text", "json"}),
    (("run", "--log-format", "=", "j"), {"json"}),  # as bash splits --log-format=j
    (("run", "--log-format", "="), {"text", "json"}),
    (("simulate", "--output", "h"), {"html"}),
    (("completion", ""), {"bash", "zsh", "fish"}),
    (("run", "--workers", ""), set()),
    (("run", "READ"), {"README.md"}),
    (("simulate", "--scenario", "READ"), {"README.md"}),
    (("version", ""), set()),
])
def test_bash_completes_values(words, expected):
    assert bash_completions(*words) == expected


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_know_every_command_and_flag(shell):
    script = said("completion", shell)
    for command in COMMANDS:
        assert re.search(rf"(?<!-)\b{command}\b", script)
        for flag in flags_of(command):
            assert (f"{flag}=[" in script or f"{flag}[" in script) if shell == "zsh" \
                else re.search(rf"from {command}'.* -l {flag[2:]} ", script), flag


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_reads_its_script(shell, tmp_path):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = tmp_path / "script"
    script.write_text(said("completion", shell))
    done = subprocess.run([shell, "-n", script], capture_output=True, text=True, timeout=20,
                          check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_shell_is_a_usage_error():
    done = run("completion", "tcsh")
    assert done.returncode == 2
    assert "SHELL" in done.stderr


def test_the_manual_page_has_every_command_and_flag():
    page = said("man").replace("\\-", "-")
    assert page.splitlines()[1].startswith(".TH UNDERSTUDY 1")
    for command in COMMANDS:
        assert f".SS \\fBunderstudy\\fR \\fB{command}\\fR" in page
        for flag in flags_of(command):
            assert f"\\fB{flag}\\fR" in page
    assert "UNDERSTUDY_DRAIN_TIMEOUT" in page
    assert "/etc/understudy/config.yaml" in page


def test_the_manual_page_is_clean_roff():
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=said("man"), text=True,
                          capture_output=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_reference_page_is_current():
    written = (ROOT / "docs/fields.md").read_text()
    assert written == said("kinds"), "./dev docs writes it anew"


def test_one_kind():
    page = said("kinds", "FailoverPolicy")
    assert page.startswith("## FailoverPolicy\n\n`understudy.dev/v1alpha1`")
    assert run("kinds", "Failover").returncode == 2


def test_healthcheck_asks_for_readiness(start):
    daemon = start(ROOT / "config/provider-fallback.yaml")
    admin = ("--admin", f"127.0.0.1:{daemon.admin_port}")
    assert run("healthcheck", *admin).returncode == 0
    assert run("healthcheck", "--ready", *admin).returncode == 0
    daemon.stop()
    assert run("healthcheck", "--ready", *admin).returncode == 1
