"""Is what the README and the pages in docs/ say what happens?"""

import importlib.util
import json
import re
import runpy
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from aimcsim.cli import app
from aimcsim.evaluation import evaluate
from aimcsim.records import CAUSES
from aimcsim.run import simulate
from aimcsim.spec import load_chip
from aimcsim.workload import load_workload
from aimcsim.workload.layer_kinds import KINDS

ROOT = Path(__file__).resolve().parents[2]


def blocks(page, language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)


def marked(text, marker):
    """Return the language and text of the first block after a marker."""
    found = re.search(rf"<!-- {marker} -->\n```(\w*)\n(.*?)```", text, re.DOTALL)
    assert found, f"README has no block after {marker}"
    return found.groups()


def test_the_demo_prints_what_the_readme_prints(command, readme):
    result = command("demo")
    assert result.exit_code == 0, result.stderr
    assert marked(readme.read_text(), "output: demo") == ("", result.stdout)


def test_the_readme_states_its_two_commands(readme):
    text = readme.read_text()
    assert marked(text, "command: run") == ("sh", "pip install . && aimcsim demo\n")
    assert marked(text, "command: test") == ("sh", "pip install '.[test]' && pytest\n")


def test_the_commands_of_the_readme_run(command, folder, readme, traces_dir):
    """All in one folder, so that none stands in another's way."""
    (folder / "traces").symlink_to(traces_dir)
    (folder / "mychip.yaml").write_text(blocks("docs/chip-file.md", "yaml")[0])
    (folder / "net.yaml").write_text(blocks("docs/workloads.md", "yaml")[0])
    _, text = marked(readme.read_text(), "commands")
    demo = command("demo").stdout.splitlines()[-1].removeprefix("next: ")
    asked = [shlex.split(line, comments=True) for line in [*text.splitlines(), demo]]
    for words in filter(None, asked):
        result = command(*words[1:])
        assert result.exit_code == 0, result.stderr
    assert len(list((folder / "runs").iterdir())) == 3


@pytest.fixture(scope="module")
def script():
    """scripts/readme.py as a module."""
    spec = importlib.util.spec_from_file_location("readme_script", ROOT / "scripts" / "readme.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script


def test_the_pages_that_are_produced_are_up_to_date(script):
    assert script.run_directory() == script.RUN_DIRECTORY.read_text(), "run scripts/readme.py"
    assert script.chip_reference() == script.CHIP_REFERENCE.read_text(), "run scripts/readme.py"


def test_the_first_five_minutes_print_what_their_page_says(script):
    """Every command, in one new folder, as a newcomer types them."""
    page = script.FIRST_MINUTES.read_text()
    assert script.first_minutes() == page, "run scripts/readme.py"
    printed = "".join(re.findall(r"```console\n(.*?)```", page, re.DOTALL))
    told = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    quoted = re.findall(r"\d+\.\d+ (?:us|mm2)", told)
    assert quoted
    assert all(one in printed for one in quoted)
    names = re.findall(r"`(\w+)`", told)
    assert {"adc_busy", "dependency"} <= {name for name in names if name in printed}


def test_a_layer_kind_of_ones_own_runs(folder):
    """The example of docs/extending.md; the layer before it gives what is squared."""
    names = {}
    try:
        for text in blocks("docs/extending.md", "python"):
            exec(text, names)  # noqa: S102 - our own page
    finally:
        KINDS.pop("square", None)
    before = layer_before(folder)
    assert names["values"]["squared"] == pytest.approx(before**2, rel=1e-5)
    assert "squared" in names["run"].ops["layer"]


def layer_before(folder):
    """Return what the layer `fc` of the example gives alone: its weights depend on its name only."""
    text = (folder / "squares.yaml").read_text().replace("  - {name: squared, kind: square}\n", "")
    (folder / "fc.yaml").write_text(text.replace("outputs: [squared]", "outputs: [fc]"))
    return evaluate("tiny", "fc.yaml", {"x": [[1, 2, 3, 4]]}, analog="ideal")["fc"]


def test_the_commands_of_the_command_line_page_run(command):
    _, text = marked((ROOT / "docs" / "command-line.md").read_text(), "commands")
    for line in text.splitlines():
        asked, _, target = line.partition(" > ")
        result = command(*asked.split()[1:])
        assert result.exit_code == 0
        assert json.loads(result.stdout)["title"] == f"{target.removesuffix('.schema.json').replace('-', ' ')} file"


def test_the_command_line_page_has_every_command():
    page = (ROOT / "docs" / "command-line.md").read_text()
    assert set(re.findall(r"^\| `(\w+)", page, re.MULTILINE)) == set(get_command(app).commands)


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "index.md").read_text()
    listed = {line for block in re.findall(r"```{toctree}\n(.*?)```", index, re.DOTALL) for line in block.splitlines()}
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert pages <= listed
    assert {line for line in listed if line and line[0] != ":"} <= pages


def test_links_lead_somewhere():
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            assert target.startswith("https://") or (page.parent / target).exists(), f"{page.name}: {target}"


def test_every_figure_of_the_summary_is_explained():
    page = (ROOT / "docs" / "run-directory.md").read_text()
    explained = set(re.findall(r"`(\w+)`", page))
    assert set(simulate("tiny", "digits_cnn").summary) <= explained


def test_every_cause_is_explained():
    assert all(f"| `{cause}` |" in (ROOT / "docs" / "execution.md").read_text() for cause in CAUSES)


@pytest.mark.parametrize("text", blocks("docs/chip-file.md", "yaml"), ids=lambda text: text.split("\n")[1])
def test_the_examples_of_chip_files_load_and_run(folder, text):
    (folder / "chip.yaml").write_text(text)
    assert simulate(load_chip("chip.yaml"), "digits_cnn").summary["requests"] == 1


def test_the_example_of_a_workload_loads_and_takes_the_example_of_inputs(command, folder):
    (text,) = blocks("docs/workloads.md", "yaml")
    (inputs,) = blocks("docs/workloads.md", "python")
    (folder / "small.yaml").write_text(text)
    exec(inputs, {})  # noqa: S102 - our own page
    assert load_workload("small.yaml").outputs == ("classes",)
    (asked,) = blocks("docs/workloads.md", "sh")
    result = command(*asked.split()[1:])
    assert result.exit_code == 0, result.stderr


@pytest.mark.parametrize("page", ["README.md", "docs/run-directory.md"])
def test_the_python_examples_run(folder, page):
    for text in blocks(page, "python"):
        exec(text, {})  # noqa: S102 - our own page


def test_a_component_of_ones_own_makes_others_wait():
    """The example of docs/components.md, block after block."""
    names = {}
    for text in blocks("docs/components.md", "python"):
        exec(text, names)  # noqa: S102 - our own page
    plain, held = names["plain"], names["held"]
    assert held.summary["makespan_ps"] > plain.summary["makespan_ps"]
    assert held.summary["waits_ps"]["maintenance"] > plain.summary["waits_ps"]["maintenance"]
    waits = held.table("waits")
    banks = {str(name) for name, why in zip(waits["resource"], waits["cause"], strict=True) if why == "maintenance"}
    assert any(".adc_bank[" in bank for bank in banks)


def test_the_pictures_are_those_that_the_script_draws():
    drawn = runpy.run_path(str(ROOT / "scripts/pictures.py"))["pictures"]()
    assert {name: (ROOT / "docs" / name).read_text() for name in drawn} == drawn
