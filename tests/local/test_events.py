"""Streams: everybody gets everything, and who does not read is let go."""

from flylab.local.events import Hub


async def test_every_follower_gets_every_item() -> None:
    hub = Hub()
    with hub.follow() as one, hub.follow() as other:
        for number in range(3):
            hub.publish({"n": number})
        hub.close()
        assert [item async for item in one] == [item async for item in other] == [{"n": 0}, {"n": 1}, {"n": 2}]


async def test_what_was_before_is_remembered_up_to_a_number() -> None:
    hub = Hub(remembered=2)
    for number in range(3):
        hub.publish({"n": number})
    assert hub.recent() == [{"n": 1}, {"n": 2}]
    with hub.follow() as items:
        hub.close()
        assert [item async for item in items] == []


async def test_a_follower_that_does_not_read_is_let_go() -> None:
    hub = Hub(waiting=2)
    with hub.follow() as items:
        for number in range(5):
            hub.publish({"n": number})
        assert [item async for item in items] == [{"n": 0}, {"n": 1}]


async def test_a_closed_hub_has_nothing_to_tell() -> None:
    hub = Hub()
    hub.close()
    with hub.follow() as items:
        assert [item async for item in items] == []


async def test_what_passes_by_is_told_to_those_who_follow_and_made_for_nobody_else() -> None:
    hub, made = Hub(), list[int]()

    def passing() -> dict[str, object]:
        made.append(1)
        return {"n": 1}

    hub.tell(passing)
    with hub.follow() as items:
        hub.tell(passing)
        hub.close()
        assert [item async for item in items] == [{"n": 1}]
    assert len(made) == 1
    assert hub.recent() == []
