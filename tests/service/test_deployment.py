"""What lies in deploy/: dashboard and alarms ask for metrics that exist, and compose mounts what is there."""

import json
import re
from collections.abc import Callable
from pathlib import Path

from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from ruamel.yaml import YAML
from starlette.testclient import TestClient

from gallery import JobKind
from service import problems

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
TOKEN = "t" * 40
KNOWN = {
    "route": None,  # those of the API
    "state": {"queued", "running", "succeeded", "skipped", "failed", "cancelled"},
    "kind": {kind.value for kind in JobKind},
    "type": problems.slugs(),
    "status": {"200", "404", "503"},
}


def asked() -> list[str]:
    """All expressions of the dashboard and of the alarms."""
    dashboard = json.loads((DEPLOY / "grafana/sightline.json").read_text())
    alarms = YAML(typ="safe").load(DEPLOY / "alerts.yml")
    drawn = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return drawn + [rule["expr"] for group in alarms["groups"] for rule in group["rules"]]


def unanswered(metrics: str) -> list[str]:
    """Selectors of the dashboard and of the alarms that find no series in what was scraped.

    What counts errors may find none. Prometheus itself adds the labels of its target.
    """
    samples = [one for family in text_string_to_metric_families(metrics) for one in family.samples]
    missing = []
    for expression in asked():
        grouped = {name for by in re.findall(r"by \(([^)]*)\)", expression) for name in re.split(r",\s*", by)}
        for name, selected in re.findall(r"\b((?:sightline|process)_\w+)(?:\{([^}]*)\})?", expression):
            wanted = re.findall(r'(\w+)=(~?)"([^"]*)"', selected)
            assert len(wanted) == selected.count("="), expression
            found = [one.labels for one in samples if one.name == name and grouped <= one.labels.keys()]
            for label, _, value in wanted:
                if label != "job" and not (label in {"status", "type"} and "200" not in value):
                    found = [one for one in found if re.fullmatch(value, one.get(label, ""))]
            if not found:
                missing.append(f"{name}{{{selected}}} by {sorted(grouped)}")
    return missing


def test_grafana_can_import_the_dashboard() -> None:
    """Its import gives no error for what is amiss here: panels stay empty or lie on each other."""
    dashboard = json.loads((DEPLOY / "grafana/sightline.json").read_text())
    assert dashboard["schemaVersion"] >= 36, "from here on a data source is an object"
    assert dashboard["uid"] == "sightline"
    (variable,) = dashboard["templating"]["list"]
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    (provisioned,) = YAML(typ="safe").load(DEPLOY / "grafana/datasources.yml")["datasources"]
    assert (provisioned["type"], provisioned["isDefault"]) == ("prometheus", True), (
        "what the variable begins with"
    )
    source = {"type": "prometheus", "uid": "${" + variable["name"] + "}"}
    taken: set[tuple[int, int]] = set()
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    for panel in panels:
        assert panel["type"] in {"timeseries", "stat", "gauge", "table", "bargauge"}
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs) > 0
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert at["x"] + at["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
    for expression in asked():
        assert all(expression.count(a) == expression.count(b) for a, b in ("()", "{}", "[]")), expression


def test_every_metric_that_is_asked_for_exists(make_app: Callable[..., FastAPI], secret: str) -> None:
    app = make_app(metrics_token=SecretStr(TOKEN))
    with TestClient(app, headers={"X-API-Key": secret}) as client:
        client.get("/v1/nothing")  # a problem to count
        text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).text
    families = list(text_string_to_metric_families(text))
    labels: dict[str, set[str]] = {}
    for family in families:
        for sample in family.samples:
            labels.setdefault(sample.name, {"job", "instance"}).update(sample.labels)
    expressions = asked()
    assert len(expressions) > 20
    for expression in expressions:
        wanted = set(re.findall(r"\b(?:sightline|process)_\w+", expression))
        assert wanted <= labels.keys(), expression
        for name, selected in re.findall(r"\b((?:sightline|process)_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)\s*[=!]", selected)) <= labels[name], expression
        for by in re.findall(r"by \(([^)]*)\)", expression):
            grouped = set(re.split(r",\s*", by))
            assert any(grouped <= labels[name] for name in wanted), expression
        for label, values in KNOWN.items():
            for pattern in re.findall(rf"\b{label}=~?\"([^\"]*)\"", expression):
                known = values or app.openapi()["paths"].keys()
                for one in pattern.split("|"):
                    assert any(re.fullmatch(one, value) for value in known), (expression, one)


def test_the_compose_file_mounts_what_is_there() -> None:
    services = YAML(typ="safe").load(ROOT / "docker-compose.yml")["services"]
    mounted = {
        volume.partition(":")[0]
        for service in services.values()
        for volume in service.get("volumes", [])
        if volume.startswith("./")
    }
    here = {f"./{file.relative_to(ROOT)}" for file in DEPLOY.rglob("*") if file.is_file()}
    assert mounted == here
    assert {name for name, service in services.items() if "profiles" in service} >= {
        "proxy",
        "prometheus",
        "grafana",
    }
    published = [port for service in services.values() for port in service.get("ports", [])]
    outside = [port for port in published if not port.startswith(("127.0.0.1:", "${SIGHTLINE_PUBLISH"))]
    assert outside == ["80:80", "443:443"], "only the proxy is reached from elsewhere"
