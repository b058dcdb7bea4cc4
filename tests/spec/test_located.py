"""The YAML reader: plain data, and a place for everything in it."""

from pathlib import Path

import pytest

from aimcsim.errors import ConfigError
from aimcsim.located import check_keys, did_you_mean, dotted, one_of, parse_document, read_yaml

TEXT = """\
name: tiny   # a comment
sizes: [1, 0x10, 2.5, true, null, "4", on]
tile:
  adc: {bits: 8}
"""


def test_data_are_plain_and_follow_yaml_1_2() -> None:
    document = parse_document(TEXT, "f")

    assert document.data == {
        "name": "tiny",
        "sizes": [1, 16, 2.5, True, None, "4", "on"],  # `on` is text in YAML 1.2
        "tile": {"adc": {"bits": 8}},
    }


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        (("name",), False, (1, 7)),
        (("name",), True, (1, 1)),
        (("sizes", 3), False, (2, 23)),
        (("tile", "adc", "bits"), False, (4, 15)),
        (("tile", "adc", "bits"), True, (4, 9)),
        (("tile", "adc", "rate"), False, (4, 8)),  # not there: where it would stand
        (("nowhere", 3, "at", "all"), False, (1, 1)),
    ],
)
def test_every_value_and_key_has_a_place(path: tuple[str | int, ...], key: bool, expected: tuple[int, int]) -> None:
    assert parse_document(TEXT, "f").position(path, key=key) == expected


def test_lines_may_end_in_crlf() -> None:
    document = parse_document(TEXT.replace("\n", "\r\n"), "f")

    assert document.data == parse_document(TEXT, "f").data
    assert document.position(("tile", "adc", "bits")) == (4, 15)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a:\n\tb: 1\n", "f:2:1: the line is indented with a tab; YAML indents with spaces"),
        ("a:\n  \tb: 1\n  c:\n", "f:2:3: the line is indented with a tab; YAML indents with spaces"),
        ("a: [1, 2\n", "f:2:1: not YAML: while parsing a flow sequence expected ',' or ']'"),
        ("", "f:1:1: the file is empty"),
        ("--- 1\n--- 2\n", "f:2:1: not YAML: expected a single document"),
        ("a: &x [*x]\n", "f:1:4: a[0]: an anchor that contains itself"),
    ],
)
def test_what_is_no_yaml_says_where(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_document(text, "f")

    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\nb: 2\na: 3\n", "f:3:1: a: the field is given twice, first on line 1"),
        ("a: {<<: 1}\n", "f:1:5: a.<<: merge keys are not supported; use `extends`, or an anchor for the value"),
        ("a: !odd 3\n", "f:1:4: a: tags such as `!odd` are not supported"),
    ],
)
def test_what_can_be_stepped_over_is_kept_as_a_problem(text: str, said: str) -> None:
    assert [str(problem) for problem in parse_document(text, "f").problems] == [said]


def test_anchors_repeat_a_value_at_its_own_place() -> None:
    document = parse_document("a: &x {n: 1}\nb: *x\n", "f")

    assert document.data["b"] == {"n": 1}
    assert document.position(("b", "n")) == (1, 11)


def test_a_file_is_read_by_path(tmp_path: Path) -> None:
    path = tmp_path / "one.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n")  # a byte order mark is no text

    assert read_yaml(path).data == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no such file"), (b"a: \xff", "is not UTF-8 text (byte 3)"), (b"a: 1\na: 2\n", "twice")],
)
def test_a_file_that_cannot_be_used_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "bad.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigError) as caught:
        read_yaml(path)

    assert str(caught.value).startswith(str(path))
    assert said in str(caught.value)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path)


def test_unknown_keys_are_told_with_the_nearest_right_one() -> None:
    document = parse_document("rows: 1\ncolls: 2\n", "f")
    problems = check_keys(document, (), document.data, ["rows", "cols"])

    assert [str(problem) for problem in problems] == ["f:2:1: colls: unknown field (got `colls`). Did you mean `cols`?"]


def test_suggestions() -> None:
    assert did_you_mean("Colls", ["rows", "cols"]) == " Did you mean `cols`?"
    assert did_you_mean("x", ["rows", "cols"]) == ""
    assert one_of("x", ["rows", "cols"]) == "(got `x`); one of: `rows`, `cols`"
    assert one_of("x", []) == "(got `x`)"


def test_paths_are_written_as_people_do() -> None:
    assert dotted(("tables", "mvm", "stages", 2, "resource")) == "tables.mvm.stages[2].resource"
    assert dotted(()) == ""
