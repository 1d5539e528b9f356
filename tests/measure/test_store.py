"""Samples come back from Parquet as they went in, and what is no such file is named."""

import pytest
from arro3.core import Array, DataType, Table
from arro3.io import write_parquet
from hypothesis import given, settings
from hypothesis import strategies as st

from flylab.errors import ParseError
from flylab.measure import store
from flylab.measure.sample import Sample

SAMPLES = st.builds(
    Sample,
    what=st.text(),
    where=st.text(),
    scheduled=st.floats(allow_nan=False),
    sent=st.floats(allow_nan=False),
    finished=st.floats(allow_nan=False),
    outcome=st.text(min_size=1),
    detail=st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.floats(0, 1))),
)


@settings(max_examples=40)
@given(st.lists(SAMPLES, max_size=20))
def test_what_was_packed_comes_back(samples):
    assert store.unpack(store.pack(samples)) == samples


def test_a_sample_of_a_load_takes_few_bytes():
    samples = [
        Sample(what="say", where="ams", scheduled=n / 1000, sent=n / 1000 + 1e-5, finished=n / 1000 + 1e-3)
        for n in range(20_000)
    ]
    assert len(store.pack(samples)) / len(samples) < 30


@pytest.mark.parametrize("content", [b"", b"PAR1", b"nonsense, and a lot of it", b"PAR1 but no end of it"])
def test_what_is_no_parquet_file_is_refused(content):
    with pytest.raises(ParseError, match="no Parquet file"):
        store.unpack(content)


def test_a_table_of_something_else_is_refused(tmp_path):
    path = tmp_path / "other.parquet"
    write_parquet(Table.from_pydict({"what": Array(["x"], type=DataType.string())}), path)
    with pytest.raises(ParseError, match="no column where"):
        store.unpack(path.read_bytes())
