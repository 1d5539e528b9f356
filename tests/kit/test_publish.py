"""An executed notebook becomes a page: figures as data, controls as they looked, nothing of the machinery."""

import json
from pathlib import Path
from typing import Any

import pytest

from flylab.errors import UsageError
from flylab.kit import publish
from flylab.kit.verdict import Headline, Verdicts, documented
from tests.kit.test_figures import MAKERS


def display(data: dict[str, Any]) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def plot() -> dict[str, Any]:
    figure: dict[str, Any] = json.loads(MAKERS["dots"]().to_json())
    return display({publish.PLOTLY: figure})


def write(folder: Path, *outputs: dict[str, Any], tags: tuple[str, ...] = (), text: str = "Words.") -> Path:
    path = folder / "03-replay.ipynb"
    cells = [
        {"cell_type": "markdown", "id": "a", "metadata": {}, "source": text},
        {
            "cell_type": "code",
            "id": "b",
            "metadata": {"tags": list(tags), "papermill": {"duration": 1}},
            "source": ["1 +\n", "1"],
            "outputs": list(outputs),
            "execution_count": 1,
        },
    ]
    document = {"cells": cells, "metadata": {"papermill": {}, "widgets": {}}, "nbformat": 4, "nbformat_minor": 5}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def shown(path: Path) -> tuple[publish.Page, list[dict[str, Any]]]:
    page = publish.page(path)
    return page, page.notebook["cells"][1]["outputs"]


def test_a_figure_becomes_data_with_its_title_and_caption_as_text(tmp_path: Path) -> None:
    page, (output,) = shown(write(tmp_path, plot(), tags=("hide-input", "headline")))
    text = output["data"]["text/html"]
    drawn = json.loads(text.split('application/json">')[1].split("</script>")[0])
    assert 'role="img"' in text
    assert ">A title</figcaption>" in text
    assert "n = 3" in text
    assert set(drawn) == {"data", "layout", "narrow"}
    assert not {"template", "title", "meta", "height"} & set(drawn["layout"])
    assert drawn["layout"]["annotations"] == []
    assert page.figures == page.headline_figures
    assert text == f'<div id="{publish.HEADLINE_ID}">{page.figures[0]}</div>'


def test_a_label_cannot_end_the_script(tmp_path: Path) -> None:
    figure = plot()
    figure["data"][publish.PLOTLY]["data"][0]["name"] = "</script><b>"
    _, (output,) = shown(write(tmp_path, figure))
    assert output["data"]["text/html"].count("</script>") == 1


def test_a_panel_is_shown_as_it_looked_and_a_bare_widget_not_at_all(tmp_path: Path) -> None:
    panel = display({publish.WIDGET: {"model_id": "x"}, "text/html": "<p>still</p>", "text/plain": "Panel()"})
    bare = display({publish.WIDGET: {"model_id": "y"}, "text/plain": "HTML()"})
    _, outputs = shown(write(tmp_path, panel, bare))
    assert [output["data"] for output in outputs] == [{"text/html": "<p>still</p>"}]


def test_progress_and_error_streams_are_left_out(tmp_path: Path) -> None:
    streams = [
        {"output_type": "stream", "name": name, "text": text}
        for name, text in (("stderr", "a warning"), ("stdout", "  0%|          | 0/3"), ("stdout", ["kept\n"]))
    ]
    _, outputs = shown(write(tmp_path, *streams))
    assert [output["text"] for output in outputs] == [["kept\n"]]


def test_machinery_is_taken_out_and_cleanup_is_not_shown(tmp_path: Path) -> None:
    page, _ = shown(write(tmp_path, plot(), tags=("cleanup", "parameters")))
    assert page.notebook["cells"][1]["metadata"] == {"tags": ["remove-cell"]}
    assert set(page.notebook["metadata"]) == {"kernelspec", "language_info"}


def test_headlines_and_verdicts_are_collected(tmp_path: Path) -> None:
    verdicts = Verdicts("03")
    verdicts.predict("chain", "Ten.", documented("monitoring/error-codes", "At most ten"))
    verdicts.result("chain", "Ten.", holds=True)
    headline = Headline(text="It works", kind="measured", n=3)
    bundles = [display(each._repr_mimebundle_()) for each in (verdicts.table(), headline)]
    page, outputs = shown(write(tmp_path, *bundles))
    assert [row["outcome"] for row in page.verdicts] == ["holds"]
    assert page.headlines[0]["text"] == "It works"
    assert all(list(output["data"]) == ["text/html"] for output in outputs)


def test_a_run_that_stopped_at_an_error_is_refused(tmp_path: Path) -> None:
    error = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}
    with pytest.raises(UsageError, match="stopped at an error \\(ValueError\\)"):
        publish.page(write(tmp_path, error))


def test_a_notebook_that_was_never_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="run `flylab suite 03-replay` first"):
        publish.page(write(tmp_path))


def test_links_to_chapters_that_are_missing_become_words(tmp_path: Path) -> None:
    text = "See [the start](00-start.ipynb) and [the rest](04-boot.ipynb)."
    page = publish.page(write(tmp_path, plot(), text=text))
    publish.unlink(page, {"00-start"})
    assert page.notebook["cells"][0]["source"] == "See [the start](00-start.ipynb) and the rest."


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "3"])
def test_what_is_no_notebook_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "03-replay.ipynb"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="03-replay"):
        publish.page(path)


def test_each_figure_has_a_file_with_all_rows_of_its_table_wherever_it_is_shown(tmp_path: Path) -> None:
    figure = plot()
    figure["data"][publish.PLOTLY]["layout"]["meta"]["table"] = [{"ms": each / 3} for each in range(100)]
    path = write(tmp_path, figure, tags=("headline",))
    local, fly = publish.page(path), publish.page(path, up="../")
    file, of_fly = f"figures/{path.stem}-1.csv", f"figures/fly-{path.stem}-1.csv"
    assert f'<a href="{file}" download>All 100 rows as CSV</a>' in local.figures[0]
    assert f'<a href="../{of_fly}" download>' in fly.figures[0]
    assert f'<a href="{of_fly}" download>' in fly.headline_figures[0]  # on the first page, which is in no folder
    publish.write_tables([local, fly], tmp_path / "site")
    for name in (file, of_fly):
        lines = (tmp_path / "site" / name).read_text(encoding="utf-8").splitlines()
        assert len(lines) == 101
        assert lines[2] == "0.3333333333333333"


def test_what_a_chapter_promises_is_marked_so_that_a_phone_can_show_it_by_line(tmp_path: Path) -> None:
    header = "# 03 · Trial\n\nDoes it run?\n\n| you get | takes |\n|---|---|\n| nothing | 1 s |"
    page = publish.page(write(tmp_path, plot(), text=header))
    text, mark, table = page.notebook["cells"][0]["source"].partition(":::{container} promises\n")
    assert (text, mark != "") == ("# 03 · Trial\n\nDoes it run?\n\n", True)
    assert table == "| you get | takes |\n|---|---|\n| nothing | 1 s |\n:::"
    # A chapter that promises nothing stays as it is.
    assert publish.page(write(tmp_path, plot())).notebook["cells"][0]["source"] == "Words."
