"""A codebook as tables that people edit: nothing is lost, and mistakes are named by table, row and field."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from survey_kit.codebook import Codebook, MissingRule, MultipleResponse, Variable
from survey_kit.errors import FileFormatError
from survey_kit.io.codebooks.codes import code_cell, parse_code, parse_missing, split_texts, write_code, write_missing
from survey_kit.io.codebooks.tables import from_tables, table_types, to_tables, writer_cells

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        "1",
        "01",
        "1.0",
        "",
        " a",
        "a ",
        '"',
        '"a"',
        'a"b',
        "a;b",
        "LO",
        "hi",
        "none",
        "1 to 2",
        "a to b",
        "number(1)",
        "-",
    ]
)
numbers = st.integers(-(10**20), 10**20) | st.floats(allow_nan=False)
codes = numbers | texts
kinds = st.sampled_from(["number", "integer", "text", "date", ""])
edges = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False)
rules = st.builds(
    MissingRule, st.lists(codes, max_size=4).map(tuple), st.lists(st.tuples(edges, edges), max_size=3).map(tuple)
)


@st.composite
def codebooks(draw):
    names = draw(st.lists(texts.filter(bool), min_size=1, max_size=4, unique=True))
    pairs = st.dictionaries(texts, texts, max_size=2)
    variables = {
        n: Variable(
            n,
            draw(texts),
            draw(st.dictionaries(codes, texts, max_size=4)),
            draw(st.none() | rules),
            draw(texts),
            draw(st.sampled_from(["nominal", "ordinal", "scale", "unknown"])),
            draw(texts),
            draw(st.none() | st.integers(0, 255)),
            draw(texts),
            draw(texts),
            draw(pairs),
            draw(texts),
        )
        for n in names
    }
    members = st.lists(st.sampled_from(names), max_size=3).map(tuple)
    sets = {
        n: MultipleResponse(n, draw(members), draw(st.none() | codes), draw(texts), draw(texts))
        for n in draw(st.lists(texts.filter(bool), max_size=2, unique=True))
    }
    weight = draw(st.none() | st.sampled_from(names))
    notes = tuple(draw(st.lists(texts, max_size=3)))
    types = {n: draw(kinds) for n in names}
    return Codebook(variables, sets, draw(texts), notes, weight, draw(texts), draw(pairs)), types


@given(codebooks(), st.booleans())
def test_tables_are_the_codebook(given_book, as_text):
    book, types = given_book
    tables = to_tables(book, {}, types)
    if as_text:  # as a CSV file holds them
        tables = {name: [[str(cell) for cell in row] for row in table] for name, table in tables.items()}
    back = from_tables(tables)
    assert back == book
    assert list(back) == list(book)
    assert [list(v.labels) for v in back.variables.values()] == [list(v.labels) for v in book.variables.values()]
    assert table_types(tables) == types


@given(codes, kinds)
def test_a_code_is_its_text(code, kind):
    back = parse_code(write_code(code, kind), kind)
    assert back == code
    assert isinstance(back, str) == isinstance(code, str)
    assert parse_code(code_cell(code, kind), kind) == code


@given(rules, kinds)
def test_a_rule_is_its_text(rule, kind):
    assert parse_missing(write_missing(rule, kind), kind) == rule


def test_a_rule_reads_as_people_write_it():
    rule = MissingRule((98, 99), ((-9, -1), (-math.inf, 0), (97, math.inf)))
    assert write_missing(rule, "number") == "98; 99; -9 to -1; LO to 0; 97 to HI"
    assert parse_missing(" 98;99 ; -9 TO -1;lo thru 0; 97 to Hi", "number") == rule
    assert write_missing(MissingRule(), "number") == "none"
    assert parse_missing("None", "text") == MissingRule()
    assert parse_missing("", "text") is None
    assert write_missing(MissingRule(("98", "none", "Almaty to Astana", "a;b", 'x"')), "text") == (
        '98; "none"; "Almaty to Astana"; "a;b"; "x"""'
    )


@pytest.mark.parametrize(
    ("text", "kind", "problem"),
    [
        ("98; x", "number", "'x' is no number, but the variable is numeric. A text code needs double quotes"),
        ("1;;2", "number", "a code beside a semicolon is empty. Delete the semicolon"),
        ("1;", "number", "a code beside a semicolon is empty"),
        ('"a', "text", 'the quotes of "a do not match. Double a quote inside quotes'),
        ('a "b"', "text", "do not match"),
        ("a to b", "text", "'a' is no end of a range. Write a number, LO or HI; a text code needs double quotes"),
        ("1,5", "number", "'1,5' is no number"),
        ("number(x)", "text", "'x' is no number"),
    ],
)
def test_what_is_no_rule(text, kind, problem):
    with pytest.raises(ValueError, match=".*") as caught:
        parse_missing(text, kind)
    assert problem in str(caught.value)


def test_names_in_one_cell():
    assert split_texts('q1; "q2; other";q3') == ("q1", "q2; other", "q3")
    assert split_texts("") == ()


def test_cells_are_for_people():
    book = Codebook(
        {
            "q1": Variable("q1", "Vote", {1.0: "Yes", 2: "No"}, MissingRule((9,)), width=8, attributes={"$@Role": "0"}),
            "s": Variable("s", labels={"1": "one"}),
            "big": Variable("big", labels={2**60: "x"}),
        },
        {"m": MultipleResponse("m", ("q1", "big"), 1, "Media")},
        title="Poll",
        notes=("first", ""),
        weight="q1",
        attributes={"source": "Institute"},
    )
    tables = to_tables(book, {"q1": True, "s": False}, {"big": "integer"})
    assert tables["variables"][1] == [
        *("q1", "Vote", "", "number", "unknown", "", 8, "", "", "9", "", '{"$@Role": "0"}')
    ]
    assert tables["values"][1:] == [["q1", 1, "Yes"], ["q1", 2, "No"], ["s", "1", "one"], ["big", str(2**60), "x"]]
    assert [type(row[1]) for row in tables["values"][1:]] == [int, int, str, str]
    assert tables["sets"][1:] == [["m", "q1; big", 1, "Media", ""]]
    assert tables["file"][1:] == [
        ["title", "Poll"],
        ["note", "first"],
        ["note", ""],
        ["weight", "q1"],
        ["attribute source", "Institute"],
    ]
    assert from_tables(tables) == book


def test_what_people_type_is_understood():
    """Numbers where a spreadsheet made them of texts, empty rows, fields in another order, a table left out."""
    book = from_tables(
        {
            "variables": [
                ["label", "name", "type", "missing", "width"],
                [2019.0, "q1", "text", 99.0, 8.0],
                [None, "", "", None, math.nan],
            ],
            "values": [["code", "label", "variable"], [1.0, True, "q1"], [None, None, None]],
        }
    )
    assert book == Codebook({"q1": Variable("q1", "2019", {"1": "TRUE"}, MissingRule(("99",)), width=8)})


def test_rows_for_the_writer_are_not_the_codebooks():
    tables = {"variables": [["name"], ["a"]], "file": [["key", "value"], ["empty text", '""'], ["title", "T"]]}
    assert from_tables(tables) == Codebook({"a": Variable("a")}, title="T")
    assert writer_cells(tables) == {"empty text": '""'}


V = [["name", "type"], ["q1", "number"], ["s", "text"]]


@pytest.mark.parametrize(
    ("tables", "text"),
    [
        ({"variabels": V}, "There is no table 'variabels' in a codebook. Did you mean 'variables'?"),
        ({"values": []}, "A codebook needs a table 'variables' with a field 'name'."),
        ({"variables": [["label"], ["x"]]}, "Table 'variables', row 1: the field 'name' is missing."),
        ({"variables": [["name", "name"]]}, "row 1: the field 'name' is there twice. Delete one of the columns."),
        ({"variables": [["name"], ["a", "b"]]}, "Table 'variables', row 2: a cell stands under no field name."),
        ({"variables": [["name", "label"], ["", "x"]]}, "row 2, field 'name': is empty. Name the variable"),
        ({"variables": [["name"], ["a"], [None], ["a"]]}, "row 4, field 'name': 'a' is there already."),
        (
            {"variables": [["name", "type"], ["a", "numbr"]]},
            "field 'type': 'numbr' is not available. Did you mean 'number'?",
        ),
        (
            {"variables": [["name", "measure"], ["a", "nominl"]]},
            "field 'measure': 'nominl' is not available. Did you mean 'nominal'?",
        ),
        ({"variables": [["name", "width"], ["a", "8.5"]]}, "field 'width': '8.5' is no whole number."),
        (
            {"variables": [["name", "attributes"], ["a", "x"]]},
            'field \'attributes\': is not of the form {"name": "text"}.',
        ),
        ({"variables": [["name", "attributes"], ["a", '{"x": 1}']]}, "field 'attributes': is not of the form"),
        (
            {"variables": [["name", "missing", "type"], ["a", "98 99", "number"]]},
            "field 'missing': '98 99' is no number",
        ),
        (
            {"variables": V, "values": [["variable", "code", "label"], ["q2", 1, "x"]]},
            "Table 'values', row 2, field 'variable': no variable 'q2' in table 'variables'. There are: q1, s.",
        ),
        (
            {"variables": V, "values": [["variable", "code", "label"], ["q1", "x", "x"]]},
            "row 2, field 'code': 'x' is no number",
        ),
        ({"variables": V, "values": [["variable", "code", "label"], ["s", "", "x"]]}, "row 2, field 'code': is empty."),
        (
            {"variables": V, "values": [["variable", "code", "label"], ["q1", 1, "x"], ["q1", "1.0", "y"]]},
            "row 3, field 'code': 1 of 'q1' is labelled twice.",
        ),
        ({"variables": V, "values": [["variable", "code"]]}, "Table 'values', row 1: the field 'label' is missing."),
        (
            {"variables": V, "sets": [["name", "columns"], ["m", "q1; t"]]},
            "Table 'sets', row 2, field 'columns': no variable 't'",
        ),
        (
            {"variables": V, "sets": [["name", "columns"], ["m", 'q1; "t']]},
            "field 'columns': the quotes of \"t do not match.",
        ),
        (
            {"variables": V, "sets": [["name", "columns"], ["m", "q1"], ["m", "s"]]},
            "row 3, field 'name': 'm' is there already.",
        ),
        (
            {"variables": V, "sets": [["name", "columns", "counted"], ["m", "q1", "x"]]},
            "field 'counted': 'x' is no number",
        ),
        (
            {"variables": V, "file": [["key", "value"], ["titel", "x"]]},
            "Table 'file', row 2, field 'key': there is no key 'titel'. Did you mean 'title'?",
        ),
        (
            {"variables": V, "file": [["key", "value"], ["title", "x"], ["title", "y"]]},
            "row 3, field 'key': 'title' is there already.",
        ),
        (
            {"variables": V, "file": [["key", "value"], ["weight", "q2"]]},
            "no variable 'q2' for the weight. There are: q1, s.",
        ),
    ],
)
def test_mistakes_are_named(tables, text):
    with pytest.raises(FileFormatError) as caught:
        from_tables(tables)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("cell", "rule"),
    [
        ("98, 99", MissingRule((98, 99))),
        ("-inf to -1", MissingRule((), ((-math.inf, -1),))),
        ("97; 90..95", MissingRule((97,), ((90, 95),))),
    ],
)
def test_missing_rules_as_in_csv(cell, rule):
    book = from_tables({"variables": [["name", "missing", "type"], ["a", cell, "number"]]})
    assert book["a"].missing == rule
