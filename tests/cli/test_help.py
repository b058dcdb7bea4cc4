"""Does a newcomer find chips, begin one, have files of every kind checked, and get output other programs read?"""

import csv
import io
import json
import os
import re
import subprocess
import sys

import jsonschema
import numpy as np
import pytest
from rich.console import Console
from typer.main import get_command

from aimcsim.cli import app, presets
from aimcsim.located import read_yaml
from aimcsim.spec import load_chip, preset_names

RUN = ("run", "tiny", "digits_cnn", "--requests", "2")


def test_chips_says_what_each_is_and_where_its_costs_are_from(command):
    rows = {row["name"]: row for row in json.loads(command("chips", "--json").stdout)}
    assert (rows["isaac"]["tiles"], rows["isaac"]["crossbars"]) == (168, 168 * 96)
    assert rows["isaac"]["sources"]["isaac16"].startswith("A. Shafiee et al., ISAAC")
    text = command("chips").stdout
    for word in ("168", "16128", "isaac16", "ISAAC-CE"):
        assert word in text


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_of_chips_fits(width):
    text = io.StringIO()
    Console(width=width, file=text).print(presets.preset_table(presets.preset_rows()))
    assert max(map(len, text.getvalue().splitlines())) <= width
    assert "…" not in text.getvalue()


@pytest.mark.parametrize("preset", preset_names())
def test_a_new_chip_is_the_preset_with_its_comments_and_a_schema(command, folder, preset):
    assert command("new", "my.yaml", "--from", preset).exit_code == 0
    text = (folder / "my.yaml").read_text()
    original = presets.preset_text(preset)
    assert [line for line in original.splitlines() if "#" in line] == [
        line for line in text.splitlines()[3:] if "#" in line
    ]
    mine = load_chip("my.yaml")
    assert (mine.name, mine.tile, mine.costs) == ("my", load_chip(preset).tile, load_chip(preset).costs)
    (schema,) = re.findall(r"^# yaml-language-server: \$schema=(\S+)$", text, re.MULTILINE)
    assert f"aimcsim schema chip > {schema}" in text
    jsonschema.validate(read_yaml(folder / "my.yaml").data, json.loads(command("schema", "chip").stdout))
    assert command("check", "my.yaml").exit_code == 0


@pytest.mark.parametrize("name", ["1e3", "true", "with space", "a: b", "#x", "null", "quote's"])
def test_a_new_chip_may_be_called_anything(command, folder, name):
    assert command("new", f"{name}.yaml").exit_code == 0
    assert load_chip(f"{name}.yaml").name == name


def test_new_overwrites_nothing(command, folder):
    (folder / "my.yaml").write_text("precious")
    result = command("new", "my.yaml")
    assert (result.exit_code, (folder / "my.yaml").read_text()) == (2, "precious")
    assert result.stderr == "`my.yaml` exists, and is left as it is; choose another name\n"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (("my.yaml", "--from", "isaak"), "Did you mean `isaac`?"),
        (("my.txt",), "is called .yaml"),
        (("nowhere/my.yaml",), "No such file or directory"),
    ],
)
def test_new_says_what_is_wrong_and_writes_nothing(command, folder, asked, said):
    result = command("new", *asked)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("what", ["chip", "workload"])
def test_schema_prints_a_schema(command, what):
    printed = json.loads(command("schema", what).stdout)
    jsonschema.Draft7Validator.check_schema(printed)
    assert printed["title"] == f"aimcsim {what} file"
    assert command("schema", what, "--json").stdout == command("schema", what).stdout


NET = """\
schema: aimcsim-workload/1
name: net
inputs: {x: [4]}
layers:
  - {name: fc, kind: linear, out_features: 3}
outputs: [fc]
"""


@pytest.fixture
def files(command, folder, traces_dir):
    """A folder with a file of every kind."""
    (folder / "net.yaml").write_text(NET)
    (folder / "chip.yaml").write_text("extends: tiny\nname: mine\n")
    np.savez(folder / "x.npz", x=np.ones((2, 4), np.float32))
    (folder / "net.onnx").symlink_to(traces_dir / "digits_mlp.onnx")
    assert command(*RUN, "-o", "out").exit_code == 0
    return folder


@pytest.mark.parametrize(
    ("given", "keys"),
    [
        (("chip.yaml",), {"chip"}),
        (("tiny",), {"chip"}),
        (("net.yaml",), {"network"}),
        (("net.onnx",), {"network"}),
        (("x.npz",), {"inputs"}),
        (("out",), {"run"}),
        (("x.npz", "net.yaml"), {"inputs", "network"}),
        (
            ("net.yaml", "chip.yaml"),
            {*("chip", "network", "crossbars", "tiles", "buffers", "workload", "chips", "hop_bytes", "replicate_all")},
        ),
    ],
)
def test_check_takes_files_of_every_kind_in_any_order(command, files, given, keys):
    found = json.loads(command("check", *given, "--json").stdout)
    assert set(found) == {"ok", "problems"} | keys
    assert command("check", *given).exit_code == 0


def test_check_finds_what_is_wrong_in_every_file_at_once(command, files):
    (files / "chip.yaml").write_text("extends: tiny\ntile: {adc: {bitz: 3}}\n")
    (files / "net.yaml").write_text(NET.replace("linear", "lineal"))
    (files / "x.npz").write_bytes(b"")
    (files / "out" / "summary.json").write_text("{")
    result = command("check", "out", "x.npz", "net.yaml", "chip.yaml")
    assert result.exit_code == 2
    for said in ("chip.yaml:2:14: ", "net.yaml:5:22: ", "x.npz: ", "summary.json` is damaged"):
        assert said in result.stderr


def test_check_compares_inputs_with_the_network(command, files):
    np.savez(files / "x.npz", x=np.ones((2, 5), np.float32))
    result = command("check", "net.yaml", "x.npz")
    assert result.exit_code == 2
    assert "[n, 4]" in result.stderr


def test_check_takes_one_file_of_a_kind(command, files):
    result = command("check", "tiny", "isaac")
    assert (result.exit_code, len(result.stderr.splitlines())) == (2, 1)
    assert "check one at a time" in result.stderr


def rows(text):
    return list(csv.DictReader(io.StringIO(text)))


def test_tables_come_as_csv(command, folder):
    """The same rows as in JSON; where a row holds rows, it stands once for each."""
    command(*RUN, "-o", "out")
    assert [row["name"] for row in rows(command("chips", "--csv").stdout)] == list(preset_names())
    for by in ("layer", "tile", "resource", "component"):
        found = rows(command("show", "out", "--by", by, "--csv").stdout)
        assert [row[by] for row in found] == [
            row[by] for row in json.loads(command("show", "out", "--by", by, "--json").stdout)
        ]
    causes = json.loads(command("show", "out", "--by", "cause", "--json").stdout)
    found = rows(command("show", "out", "--by", "cause", "--csv").stdout)
    assert len(found) == sum(len(row["resources"]) for row in causes)
    assert sum(int(row["resources.wait_ps"]) for row in found) == sum(row["wait_ps"] for row in causes)
    layers = json.loads(command("map", "tiny", "digits_cnn", "--json").stdout)["layers"]
    assert [row["layer"] for row in rows(command("map", "tiny", "digits_cnn", "--csv").stdout)] == [
        row["layer"] for row in layers
    ]
    said = json.loads(command("show", "out", "--assumptions", "--json").stdout)
    assert [row["assumption"] for row in rows(command("show", "out", "--assumptions", "--csv").stdout)] == said


def test_figures_come_as_csv(command, folder):
    summary = json.loads(command(*RUN, "-o", "out", "--json").stdout)
    figures = {row["figure"]: row["value"] for row in rows(command("show", "out", "--csv").stdout)}
    assert int(figures["latency_ps.p50"]) == summary["latency_ps"]["p50"]
    assert float(figures["energy_j.total"]) == summary["energy_j"]["total"]
    assert {row["figure"] for row in rows(command(*RUN, "--csv").stdout)} == set(figures)


def test_two_forms_at_once_are_refused(command):
    assert command("chips", "--json", "--csv").exit_code == 2


def test_every_command_has_json_and_every_table_csv():
    commands = get_command(app).commands
    options = {name: {opt for one in command.params for opt in one.opts} for name, command in commands.items()}
    assert all("--json" in found for found in options.values())
    assert {name for name, found in options.items() if "--csv" in found} == set(commands) - {"demo", "new", "schema"}


def completed(typed, folder=None):
    """Return what bash is offered for the last word of what was typed."""
    words = typed.split(" ")
    env = {**os.environ, "_AIMCSIM_COMPLETE": "complete_bash", "COMP_WORDS": typed, "COMP_CWORD": str(len(words) - 1)}
    asked = [sys.executable, "-c", "from aimcsim.cli import main; main()"]
    return subprocess.run(asked, env=env, cwd=folder, capture_output=True, text=True, check=True).stdout.split()


def test_the_shell_completes_commands_options_names_and_files(folder):
    (folder / "mine.yaml").touch()
    (folder / "model.onnx").touch()
    (folder / "notes.txt").touch()
    (folder / "more").mkdir()
    assert completed("aimcsim ch") == ["chips", "check"]
    assert "--grain" in completed("aimcsim run --gr")
    assert set(preset_names()) < set(completed("aimcsim run ", folder))
    assert completed("aimcsim run m", folder) == ["mine.yaml", "more/"]
    assert completed("aimcsim run tiny mo", folder) == ["model.onnx", "more/"]
    assert completed("aimcsim run tiny d", folder) == ["digits_cnn"]
    assert completed("aimcsim new x.yaml --from is", folder) == ["isaac"]


def test_completion_can_be_printed_and_installed():
    options = {opt for one in get_command(app).params for opt in one.opts}
    assert {"--show-completion", "--install-completion"} <= options
