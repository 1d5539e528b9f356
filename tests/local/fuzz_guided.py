"""The same checks with messages that atheris makes, guided by the lines of ours that they reach.

    pip install atheris
    python -m tests.local.fuzz_guided -max_total_time=600 [FOLDER OF INPUTS]

It is no part of the environment: it measures about 20 MB, and what it finds becomes a case of the corpus.
"""

import sys

import atheris

with atheris.instrument_imports(include=["flylab.local.http1", "flylab.local.body", "flylab.local.reply"]):
    from tests.local.fuzzing import check_body, check_pieces, check_requests, check_response


def one(data: bytes) -> None:
    """The first byte says where it is cut; the rest is a request and an answer alike."""
    cut, data = data[:1], data[1:]
    where = [cut[0] % (len(data) + 1)] if cut else []
    check_requests(data)
    check_response(data)
    check_response(b"HTTP/1.1 200 OK\r\n" + data)
    check_pieces(data, *where or [0])
    check_body(data, where)


if __name__ == "__main__":
    atheris.Setup(sys.argv, one)
    atheris.Fuzz()
