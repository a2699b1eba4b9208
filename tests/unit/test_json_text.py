"""JSON from outside: what an honest program sends is read, anything else is refused before it can do harm."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from studio_setup.model.json_text import MAX_DEPTH, MAX_VALUES, parse_json
from tests.support.fuzzing import streams

HONEST = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(1 - 10**17, 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
PIECES = st.sampled_from(
    [*'[]{}",:\\ -.eE0179', "\\\\", '\\"', "null", "true", "NaN", "\\ud800", "\x00", "é", "[" * 40]
)


@streams(200, 10000)
@given(value=HONEST)
def test_honest_json_is_read(value: object) -> None:
    """Any value that fits into 64-bit numbers and is not nested absurdly is the same after a round trip."""
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False)) == value


@streams(300, 20000)
@given(pieces=st.lists(PIECES, max_size=30))
def test_any_text_is_a_value_or_a_value_error(pieces: list[str]) -> None:
    """What is read is what `json` reads; nothing but ValueError is raised."""
    text = "".join(pieces)
    try:
        value = parse_json(text)
    except ValueError:
        return
    assert value == json.loads(text)


@pytest.mark.parametrize(("begin", "end"), [("[", "]"), ('{"a":', "}")])
def test_the_depth_is_bounded(begin: str, end: str) -> None:
    """As many levels as the limit are read, and one more is refused; brackets in strings do not count."""
    innermost = json.dumps("[{" * 500 + '\\"[')
    parse_json(begin * MAX_DEPTH + innermost + end * MAX_DEPTH)
    with pytest.raises(ValueError, match="nested too deeply"):
        parse_json(begin * (MAX_DEPTH + 1) + "1" + end * (MAX_DEPTH + 1))


@pytest.mark.parametrize("brackets", ["[", "{", '{"a":', "[[]," * 10, ']["'])
@pytest.mark.timeout(20)
def test_very_deep_json_is_refused_at_once(brackets: str) -> None:
    """Neither the stack nor the time runs out, whether or not the brackets are ever closed."""
    for closed in ("", "]" * 100_000):
        with pytest.raises(ValueError, match=r"nested too deeply|Expecting|Extra data|Invalid|Unterminated"):
            parse_json(brackets * 100_000 + closed)


@pytest.mark.parametrize("text", ['"' + "\\" * 500_001, '"' + '\\"' * 500_000, '"x' * 300_001, '"' + "\\u" * 300_000])
@pytest.mark.timeout(20)
def test_the_time_for_a_text_grows_with_its_length(text: str) -> None:
    """Strings that never end take milliseconds; in quadratic time it would be hours."""
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|Invalid|Extra data"):
        parse_json(text)


@pytest.mark.parametrize("number", ["9" * 19, "-" + "9" * 18, "9" * 5000, "1." + "9" * 5000, "1e" + "9" * 5000])
def test_a_number_of_absurd_length_is_refused(number: str) -> None:
    """Eighteen digits fit into 64 bits; nobody sends more, and very many take long to read."""
    assert parse_json("9" * 18) == 10**18 - 1
    with pytest.raises(ValueError, match="too many digits"):
        parse_json(f'{{"a": [{number}]}}')


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_what_only_python_takes_for_json_is_refused(name: str) -> None:
    """These are no numbers of JSON."""
    with pytest.raises(ValueError, match=f"{name} is not JSON"):
        parse_json(f"[{name}]")


@pytest.mark.parametrize("number", ["1e999", "-1e999"])
def test_a_number_beyond_all_numbers_is_refused(number: str) -> None:
    """It would become an infinity, which is not JSON."""
    with pytest.raises(ValueError, match="a number that is too large"):
        parse_json(number)


@pytest.mark.parametrize("value", ["[]", "{}", "1.5", '{"a":1}'])
def test_the_number_of_values_is_bounded(value: str) -> None:
    """An empty list takes three characters of a message and twenty times as much memory."""
    assert parse_json(f"[{','.join(['1'] * MAX_VALUES)}]") == [1] * MAX_VALUES
    with pytest.raises(ValueError, match="too many values"):
        parse_json(f"[{','.join([value] * (MAX_VALUES + 1))}]")


@pytest.mark.parametrize("piece", ["\\r\\n", "\\u001b[", "[,{", '\\"'])
def test_the_memory_for_a_text_grows_with_its_length_alone(piece: str) -> None:
    """Whatever a terminal has shown, looking for brackets outside of strings takes no memory to speak of."""
    text = f'["stdout", "{"[" * 100}{piece * 300_000}"]'
    tracemalloc.start()
    try:
        value = parse_json(text)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert value == json.loads(text)
    assert peak_bytes < 4 * len(text)
