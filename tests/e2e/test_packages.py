"""What is shipped beside the binary: configurations of docs and packages, units, chart, drawings."""
import json
import re
import subprocess
import sys

import pytest
import yaml

from harness.daemon import BINARY, ROOT, run

KEYS = {"OPENAI_API_KEY": "x", "ANTHROPIC_API_KEY": "y"}


def errors_of(path, env=None):
    done = run("validate", "--output", "json", path, env=env)
    return [f for f in json.loads(done.stdout) if f["severity"] == "error"]


@pytest.mark.parametrize("name", [
    "deploy/etc/config.yaml", "docs/migration/agent-router.yaml",
    "docs/migration/litellm-understudy.yaml", "docs/migration/nginx-understudy.yaml"])
def test_shipped_configurations_have_no_error(name):
    assert errors_of(ROOT / name, KEYS) == []


def test_the_default_configuration_needs_no_key_and_stays_on_loopback():
    assert errors_of(ROOT / "deploy/etc/config.yaml") == []
    kinds = {d["kind"] for d in yaml.safe_load_all((ROOT / "deploy/etc/config.yaml").open())}
    assert "Gateway" not in kinds


def test_the_charts_configuration_has_no_error(tmp_path):
    values = yaml.safe_load((ROOT / "deploy/helm/understudy/values.yaml").read_text())
    for name, text in values["config"].items():
        (tmp_path / name).write_text(text)
    assert errors_of(tmp_path) == []


def test_the_charts_schema_names_every_value():
    chart = ROOT / "deploy/helm/understudy"
    schema = json.loads((chart / "values.schema.json").read_text())
    values = yaml.safe_load((chart / "values.yaml").read_text())

    def missing(value, rules, path):
        for name, inner in value.items():
            known = rules.get("properties", {})
            if known and name not in known:
                yield f"{path}.{name}"
            elif isinstance(inner, dict) and known:
                yield from missing(inner, known[name], f"{path}.{name}")

    assert list(missing(values, schema, "values")) == []
    templates = "\n".join(p.read_text() for p in sorted((chart / "templates").glob("*")))
    used = set(re.findall(r"\.Values\.([A-Za-z0-9]+)", templates))
    assert used - set(values) == set()
    assert set(values) - used == set(), "values that no template reads"


def test_the_packages_conffiles_are_installed():
    listed = (ROOT / "deploy/debian/conffiles").read_text().split()
    assert sorted(p.name for p in (ROOT / "deploy/etc").iterdir()) == \
        sorted(path.removeprefix("/etc/understudy/") for path in listed)


def test_the_packages_scripts_end_with_every_unit():
    units = {p.name for suffix in ("service", "socket") for p in (ROOT / "deploy").glob(f"*.{suffix}")}
    assert len(units) == 2
    for name in ("prerm", "postrm"):
        for line in (ROOT / "deploy/debian" / name).read_text().splitlines():
            if ".service" in line:
                assert units <= set(line.split()), f"{name}: {line}"


def test_the_documents_lead_nowhere_that_is_not_installed_with_them():
    rules = (ROOT / "cmake/install.cmake").read_text()
    pages = [page for page in ROOT.glob("*.md") if page.name in rules]
    assert len(pages) == 5
    missing = []
    for page in [*pages, *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            path = (page.parent / target).resolve()
            if "://" in target or path.is_relative_to(ROOT / "docs") or path.is_relative_to(ROOT / "config"):
                continue
            if str(path.relative_to(ROOT)) not in rules and path.name not in {p.name for p in pages}:
                missing.append(f"{page.relative_to(ROOT)}: {target}")
    assert missing == []


def test_the_charts_names_fit_a_service():
    helpers = (ROOT / "deploy/helm/understudy/templates/_helpers.tpl").read_text()
    for suffix, room in re.findall(r'printf "%s(-[a-z]+)" \(include "understudy.fullname" . \| trunc (\d+)', helpers):
        assert int(room) + len(suffix) <= 63
    templates = (ROOT / "deploy/helm/understudy/templates").glob("*.yaml")
    assert [p.name for p in templates if 'understudy.fullname" . }}-' in p.read_text()] == []


def test_compose_asks_prometheus_to_send_the_token():
    compose = yaml.safe_load((ROOT / "deploy/compose/compose.yaml").read_text())
    prometheus = yaml.safe_load((ROOT / "deploy/compose/prometheus.yml").read_text())
    job = prometheus["scrape_configs"][0]
    port = compose["services"]["understudy"]["environment"]["UNDERSTUDY_ADMIN"].split(":")[1]
    assert job["static_configs"][0]["targets"] == [f"understudy:{port}"]
    assert job["authorization"]["credentials_file"] == "/run/secrets/admin_token"
    assert compose["services"]["prometheus"]["secrets"] == ["admin_token"]


def test_the_drawn_timelines_are_current():
    done = subprocess.run([sys.executable, ROOT / "tools/timelines", BINARY, "--check"],
                          capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_links_between_the_documents_lead_somewhere():
    broken = []
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)}: {target}")
    assert broken == []
