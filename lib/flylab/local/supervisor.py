"""The one process that starts and ends the processes of all machines; ``process.py`` runs it with ``python -I -S``.

It talks JSON lines over the socket on file descriptor 0 and imports nothing heavy. Whatever happens to the platform,
the socket then reads end-of-file, and everything that was ever started here is killed.

    platform ──socket──► supervisor ──fork, exec──► machine's process (its own session)
                             ▲                            └─ a grandchild that detached comes back here (subreaper)

Orders:  {"do": "spawn", "machine", "argv", "env", "cwd", "log", "log_most", "limits"}
         {"do": "terminate", "machine", "name", "timeout"}
         {"do": "send", "machine", "name"}   {"do": "freeze" | "thaw", "machine"}
         {"do": "exec", …} and its reports: see ``execution.py``
Reports: {"spawned": machine, "pid"}   {"failed": machine, "why"}   {"exited": machine, "code", "signal", "oom"?}
"""

import contextlib
import json
import os
import selectors
import signal
import socket
import time
from typing import Any

from flylab.local.becoming import become
from flylab.local.bursts import Throttle
from flylab.local.confinement import Confinement, cells, describe
from flylab.local.descendants import (
    adopt_orphans,
    descendants,
    environment,
    kill_below,
    kill_group,
    processes,
    send,
)
from flylab.local.execution import Executions
from flylab.local.limits import Cells, Watch
from flylab.local.output import MOST, Output

PATIENCE = 3.0  # seconds that the last round of SIGKILL may take; the platform promises 5 in all


class Child:
    """One machine's process: its pid is also the id of its session and of its first process group."""

    def __init__(self, machine: str, pid: int, pipe: int, output: Output, confinement: Confinement) -> None:
        self.machine, self.pid = machine, pid
        self.output = output
        self.confinement = confinement
        self.pipe: int | None = pipe  # reads end-of-file once the program runs, else the errno that prevented it
        self.deadline: float | None = None
        self.env: dict[str, str] = {}  # and ``cwd``: what commands beside the program get too
        self.cwd = ""
        self.early: tuple[str, float] | None = None  # a terminate that came before the program ran


class Supervisor:
    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel
        self.children: dict[str, Child] = {}
        self.pids: dict[int, Child] = {}
        self.selector = selectors.DefaultSelector()
        self.unread = b""
        self.executions = Executions(self.selector, self.report)
        self.spawns = 0
        self.watch = Watch()
        self.cells: Cells | None = None

    def run(self) -> None:
        """Serve until the platform is gone, then leave nothing behind."""
        wakeup, tell = os.pipe()
        os.set_blocking(wakeup, False)
        os.set_blocking(tell, False)
        signal.set_wakeup_fd(tell, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # only the platform decides when we leave
        self.selector.register(self.channel, selectors.EVENT_READ, self.receive)
        self.selector.register(wakeup, selectors.EVENT_READ, lambda: self.reap(wakeup))
        try:
            while True:
                for key, _ in self.selector.select(self.patience()):
                    key.data()
                self.overdue()
        except (EOFError, OSError):
            return
        finally:
            self.kill_everything()

    def patience(self) -> float | None:
        due = [child.deadline for child in self.children.values() if child.deadline is not None]
        due += self.executions.deadlines()
        due += [throttle.due for throttle in self.throttles()]
        if any(child.confinement.watched for child in self.children.values()):
            due.append(self.watch.due)
        return max(0.0, min(due) - time.monotonic()) if due else None

    def overdue(self) -> None:
        now = time.monotonic()
        self.executions.overdue(now)
        if now >= self.watch.due:
            self.kill_what_is_too_large()
        for throttle in self.throttles():
            throttle.look(now)
        for child in self.children.values():
            if child.deadline is not None and child.deadline <= now:
                child.deadline = None
                kill_group(child.pid, signal.SIGKILL)

    def throttles(self) -> list[Throttle]:
        """Of the machines whose CPUs are shared, when those are held to their balance."""
        return [each for child in self.children.values() if (each := child.confinement.throttle) is not None]

    def kill_what_is_too_large(self) -> None:
        limits = {child.pid: limit for child in self.children.values() if (limit := child.confinement.watched)}
        for victim in self.watch.look(limits) if limits else ():
            child = self.pids[victim.leader]
            child.confinement.killed = True
            child.output.note(describe(victim, limits[victim.leader]))
            send(victim.pid, signal.SIGKILL)

    def receive(self) -> None:
        data = self.channel.recv(1 << 18)
        if not data:
            raise EOFError
        *lines, self.unread = (self.unread + data).split(b"\n")
        for line in lines:
            order = json.loads(line)
            getattr(self, "do_" + order.pop("do"))(**order)

    def report(self, **fields: object) -> None:
        self.channel.sendall(json.dumps(fields).encode() + b"\n")

    def do_spawn(
        self,
        machine: str,
        argv: list[str],
        env: dict[str, str],
        cwd: str,
        log: str,
        log_most: int = MOST,
        limits: dict[str, Any] | None = None,
    ) -> None:
        try:
            with contextlib.ExitStack() as undo:
                output = Output(log, log_most, self.selector)
                undo.callback(output.finish)
                undo.callback(output.begin)
                read, write = os.pipe()
                undo.callback(os.close, read)
                undo.callback(os.close, write)
                self.spawns += 1
                if limits and limits["controllers"]:
                    self.cells = cells(limits)
                confinement = Confinement(machine, limits or {}, self.spawns)
                undo.callback(confinement.close)
                parent = os.getpid()
                pid = os.fork()
                undo.pop_all()
        except OSError as exc:  # no descriptors or processes left: this machine fails, the others live on
            self.report(failed=machine, why=exc.strerror or str(exc))
            return
        if pid == 0:
            become(argv, env, cwd, output.theirs, parent, write, confinement)
        os.close(write)
        output.begin()
        child = Child(machine, pid, read, output, confinement)
        child.env, child.cwd = env, cwd
        self.children[machine] = self.pids[pid] = child
        self.selector.register(read, selectors.EVENT_READ, lambda: self.settled(child))

    def settled(self, child: Child) -> bool:
        """Report whether the child runs its program, once its pipe can be read; false when it does not."""
        if child.pipe is None:
            return True
        code = os.read(child.pipe, 64)
        self.selector.unregister(child.pipe)
        os.close(child.pipe)
        child.pipe = None
        if code:
            self.forget(child)
            child.output.finish()
            child.confinement.close()
            self.report(failed=child.machine, why=os.strerror(int(code)))
            return False
        child.confinement.settled()
        self.report(spawned=child.machine, pid=child.pid)
        if child.early is not None:
            self.do_terminate(child.machine, *child.early)
        return True

    def do_terminate(self, machine: str, name: str, timeout: float) -> None:
        child = self.children.get(machine)
        if child is None:
            return  # it has ended by itself; the report is on its way
        if child.pipe is not None:
            child.early = (name, timeout)
        elif name == "SIGKILL" or timeout <= 0:
            kill_group(child.pid, signal.SIGKILL)
        else:
            child.deadline = time.monotonic() + timeout
            send(child.pid, getattr(signal, name))

    def do_send(self, machine: str, name: str) -> None:
        if machine in self.children:
            send(self.children[machine].pid, getattr(signal, name))

    def do_freeze(self, machine: str) -> None:
        if machine in self.children:
            kill_group(self.children[machine].pid, signal.SIGSTOP)
            self.executions.signal(machine, signal.SIGSTOP)

    def do_thaw(self, machine: str) -> None:
        if machine in self.children:
            kill_group(self.children[machine].pid, signal.SIGCONT)
            self.executions.signal(machine, signal.SIGCONT)

    def do_exec(self, machine: str, command: str, argv: list[str], stdin: str, timeout: float, limit: int) -> None:
        child = self.children.get(machine)
        if child is None or child.pipe is not None:
            self.report(ran=command, gone=True)
        else:
            self.executions.start(machine, command, argv, child.env, child.cwd, stdin, timeout, limit)

    def do_give_up(self, machine: str, command: str) -> None:
        self.executions.give_up(command)

    def reap(self, wakeup: int) -> None:
        with contextlib.suppress(BlockingIOError):
            os.read(wakeup, 4096)
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            if pid in self.pids:  # others are grandchildren that came back to us
                self.ended(self.pids[pid], status)
            else:
                self.executions.ended(pid, status)

    def ended(self, child: Child, status: int) -> None:
        kill_group(child.pid, signal.SIGKILL)
        if not self.settled(child):
            return
        self.executions.signal(child.machine, signal.SIGKILL)
        self.forget(child)
        self.kill_detached(child)
        child.output.finish()
        oom = {"oom": True} if child.confinement.out_of_memory() else {}
        child.confinement.close()
        signalled = os.WIFSIGNALED(status)
        code = 0 if signalled else os.WEXITSTATUS(status)
        self.report(exited=child.machine, code=code, signal=os.WTERMSIG(status) if signalled else 0, **oom)

    def kill_detached(self, child: Child) -> None:
        """Kill what left the machine's group: it has come back to us and still carries the machine's session or id."""
        table = processes()
        mark = b"FLY_MACHINE_ID=" + child.machine.encode()
        strays = {
            pid
            for pid, parent, session in table
            if parent == os.getpid() and pid not in self.pids and (session == child.pid or mark in environment(pid))
        }
        for pid in strays | descendants(strays, table):
            send(pid, signal.SIGKILL)

    def forget(self, child: Child) -> None:
        del self.pids[child.pid]
        if self.children.get(child.machine) is child:
            del self.children[child.machine]

    def kill_everything(self) -> None:
        for child in self.children.values():
            kill_group(child.pid, signal.SIGKILL)
        kill_below(os.getpid(), PATIENCE)
        for child in self.children.values():
            child.output.finish()  # what a machine said last is in its log, however the platform ended
        if self.cells is not None:
            self.cells.close()


def main() -> None:
    """Serve the socket on file descriptor 0."""
    adopt_orphans()
    Supervisor(socket.socket(fileno=0)).run()


if __name__ == "__main__":
    main()
