"""``python -m roomload <load> <dialect> <port> <pid> <seconds>``: one load on a server that runs; as JSON."""

import asyncio
import gc
import json
import resource
import sys

from peers.dialects import DIALECTS as THEIRS

from roomload.crowd import Target
from roomload.dialect import DIALECTS as OURS
from roomload.loads import LOADS


def main() -> None:
    load, name, port, pid, seconds = sys.argv[1:6]
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    gc.collect()
    gc.freeze()
    gc.disable()  # a pause of the generator's own would be counted as the server's
    target = Target((OURS | THEIRS)[name](), int(port), int(pid), float(seconds))
    try:
        import uvloop
    except ImportError:
        result = asyncio.run(LOADS[load](target))
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            result = runner.run(LOADS[load](target))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
