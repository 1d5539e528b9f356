"""The sockets of kernels are in a folder that is short enough and goes away again."""

from pathlib import Path

from flylab.kit.kernels import LONGEST, Meeting


def test_every_kernel_has_a_place_of_its_own_in_one_folder() -> None:
    meeting = Meeting("/tmp")
    one, other = (meeting.of(number)["ConnectionFileMixin"] for number in (1, 12))
    assert one["transport"] == other["transport"] == "ipc"
    assert one["ip"] != other["ip"]
    assert meeting.folder is not None
    assert Path(one["ip"]).parent == Path(other["ip"]).parent == meeting.folder
    meeting.close()
    assert not meeting.folder.exists()
    meeting.close()


def test_a_folder_whose_name_is_too_long_for_a_socket_is_not_taken(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * LONGEST)
    deep.mkdir()
    meeting = Meeting(str(deep), "/tmp")
    assert meeting.folder is not None
    assert meeting.folder.parent == Path("/tmp")
    meeting.close()
    assert dict(Meeting(str(deep)).of(1)) == {}  # TCP, as Jupyter has it
    assert not any(deep.iterdir())
