"""What is measured of each peer. A measure gives a dict of numbers for one round."""
import json
import subprocess
import threading
import time
from statistics import median

from lib import machine
from lib.site import Failed, until

GIB = 2**30
MIB = 2**20


class Measure:
    key = ""
    title = ""
    columns = ()  # (key, title, digits)
    rounds = 5
    fresh = False  # a peer is started for each round; else one runs through all
    direct = True  # a direct connection has a row too
    only = ()  # peers that take part; else all that are no special ones
    added = None  # (column, from): a column that holds by how much more than direct, in the same round

    def __init__(self, quick):
        self.quick = quick
        self.seconds = 0.5 if quick else 2
        self.rounds = min(self.rounds, 1) if quick else self.rounds

    def run(self, site, peer):
        raise NotImplementedError


def loaded(site, peer, *arguments):
    """A load, with the CPU time that the peer spent on it."""
    before = sum(map(machine.cpu_seconds, peer.pids))
    result = site.load(peer, *arguments)
    result["cpu"] = sum(map(machine.cpu_seconds, peer.pids)) - before if peer.pids else None
    return result


def per(amount, count, unit=1):
    return None if amount is None else amount / count * unit


class Stream(Measure):
    """One body of 1 GiB, chunked as git and GitHub frame packs."""
    direction = ""

    def run(self, site, peer):
        size = (GIB // 8 if self.quick else GIB) // peer.scale
        result = loaded(site, peer, "--chunked", self.direction, size)
        return {"cpu": per(result["cpu"], size, GIB), "rate": size / MIB / result["seconds"]}


class Download(Stream):
    key, title, direction = "down", "Download of 1 GiB (a clone's pack)", "down"
    columns = (("cpu", "CPU s/GiB", 2), ("rate", "MiB/s", 0))


class Push(Stream):
    key, title, direction = "up", "Push of 1 GiB", "up"
    columns = Download.columns


class Streams(Measure):
    columns = (("cpu", "CPU s/GiB", 2), ("rate", "MiB/s", 0))
    rounds = 3
    direction = ""

    def run(self, site, peer):
        size = (8 if self.quick else 64) * MIB // peer.scale
        result = loaded(site, peer, "--chunked", "--connections", 16, self.direction, size)
        return {"cpu": per(result["cpu"], 16 * size, GIB), "rate": 16 * size / MIB / result["seconds"]}


class Downloads(Streams):
    key, title, direction = "streams", "16 downloads of 64 MiB side by side", "down"


class Pushes(Streams):
    key, title, direction = "pushes", "16 pushes of 64 MiB side by side", "up"


class Requests(Measure):
    connections = 1

    def run(self, site, peer):
        result = loaded(site, peer, "--connections", self.connections, "--seconds", self.seconds, "requests")
        return {"cpu": per(result["cpu"], result["requests"], 1e6), "rate": result["requests"] / result["seconds"],
                "p50": result["p50_us"], "p99": result["p99_us"], "max": result["max_us"]}


class OneConnection(Requests):
    key, title = "requests", "Small requests on 1 kept-alive connection"
    columns = (("rate", "requests/s", 0), ("cpu", "CPU µs/request", 1), ("p50", "p50 µs", 0), ("added", "added p50 µs", 0),
               ("p99", "p99 µs", 0), ("max", "max µs", 0))
    added = ("added", "p50")


class ManyConnections(Requests):
    key, title, connections = "requests64", "Small requests on 64 kept-alive connections", 64
    columns = tuple(column for column in OneConnection.columns if column[0] != "added")


class ThousandActive(Measure):
    key, title = "requests1000", "Small requests on 1,000 active connections"
    columns = (("rate", "requests/s", 0), ("p50", "p50 µs", 0), ("p99", "p99 µs", 0), ("max", "max µs", 0))
    rounds = 3

    def run(self, site, peer):
        result = site.load(peer, "--connections", 1000, "--settle", "--seconds", self.seconds, "requests")
        return {"rate": result["requests"] / result["seconds"], "p50": result["p50_us"], "p99": result["p99_us"],
                "max": result["max_us"]}


class Cores(ManyConnections):
    """`reuse_port`: as the load and the origin have a part of the same cores, the CPU a request tells more than the rate."""
    key, title = "cores", "Small requests on 64 connections, one process and two on one port"
    only = ("gitlatch", "gitlatch ×2")


class NewConnections(Measure):
    """8 at a time: TCP, CONNECT and TLS (a gateway: TCP), one request, end."""
    key, title = "new", "New connections, one request each"
    columns = (("rate", "connections/s", 0), ("cpu", "CPU µs/connection", 0), ("p50", "p50 µs", 0),
               ("p99", "p99 µs", 0))

    def run(self, site, peer):
        result = loaded(site, peer, "--connections", 8, "--seconds", self.seconds, "new")
        return {"cpu": per(result["cpu"], result["requests"], 1e6), "rate": result["requests"] / result["seconds"],
                "p50": result["p50_us"], "p99": result["p99_us"]}


class CoresNew(NewConnections):
    key, title = "cores_new", "New connections, one process and two on one port"
    only = Cores.only


class Beside(Measure):
    key, title = "beside", "Small requests while a download runs beside them"
    columns = (("p50", "p50 µs", 0), ("added", "added p50 µs", 0), ("p99", "p99 µs", 0), ("max", "max µs", 0))
    added = ("added", "p50")
    rounds = 3
    downloads = 1

    def run(self, site, peer):
        size = (GIB // 4 if self.quick else 2 * GIB) // self.downloads // peer.scale
        stream = subprocess.Popen(
            site.load_command(peer, "--chunked", "--connections", self.downloads, "down", size), stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.1)
            result = site.load(peer, "--seconds", 0.4 if self.quick else 1, "requests")
            if stream.poll() is not None:
                raise Failed("the download was over too early")
        finally:
            stream.kill()
            stream.wait()
        return {"p50": result["p50_us"], "p99": result["p99_us"], "max": result["max_us"]}


class BesideEight(Beside):
    key, title, downloads = "beside8", "Small requests while eight downloads run beside them", 8


class Start(Measure):
    key, title = "start", "Start"
    columns = (("ms", "ms to ready", 0), ("rss", "RSS MiB", 1), ("memory", "memory MiB", 1))
    fresh, direct = True, False

    def run(self, site, peer):
        # Memory is looked at when it has come to rest.
        time.sleep(0.5)
        return {"ms": peer.start_ms, "rss": machine.resident_kib(peer.pid) / 1024,
                "memory": machine.memory_kib(peer.pid) / 1024}


class Fleet(Measure):
    """A node full of sidecars whose workspaces do nothing."""
    key = "fleet"
    columns = (("private", "private MiB each", 2), ("idle", "idle CPU each, % of a core", 4), ("ms", "ms to ready, median", 0))
    fresh, direct, rounds, only = True, False, 1, ("gitlatch",)

    def __init__(self, quick):
        super().__init__(quick)
        self.count = 20 if quick else 200
        self.title = f"{self.count} idle sidecars on one machine"

    def run(self, site, peer):
        others = []
        try:
            for _ in range(self.count - 1):
                others.append(start(type(peer)(site)))
            every = [peer, *others]
            time.sleep(2)  # what is done once after the start is over
            seconds, before = 5 if self.quick else 30, sum(machine.cpu_seconds(each.pid) for each in every)
            time.sleep(seconds)
            spent = sum(machine.cpu_seconds(each.pid) for each in every) - before
            return {"private": median(machine.private_kib(each.pid) for each in every) / 1024,
                    "idle": spent / seconds / self.count * 100, "ms": median(each.start_ms for each in every)}
        finally:
            for each in others:
                each.stop()


class Idle(Measure):
    """Connections that have had one request and stay."""
    fresh, direct, rounds = True, False, 1
    columns = (("kib", "KiB/connection", 1), ("memory", "memory MiB", 1), ("alive", "still open", 0))
    count = 0

    def run(self, site, peer):
        before = machine.memory_kib(peer.pid)
        load = subprocess.Popen(site.load_command(peer, "--connections", self.count, "idle"), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        late = threading.Timer(60, load.kill)  # a peer that stands still is a failure of its own, not of the run
        late.start()
        try:
            line = load.stdout.readline()
            late.cancel()
            if not line:
                raise Failed("stands still")
            result = json.loads(line)
            if result["errors"]:
                raise Failed(f"{result['errors']} of {self.count} failed: {result['error']}")
            time.sleep(1)
            memory = machine.memory_kib(peer.pid)
            load.stdin.close()
            alive = json.loads(load.stdout.readline())["alive"]
        finally:
            late.cancel()
            load.kill()
            load.wait()
        return {"kib": (memory - before) / self.count, "memory": memory / 1024, "alive": alive}


class ThousandIdle(Idle):
    key, title, count = "idle", "1,000 idle connections", 1000


class ManyIdle(Idle):
    key = "idle_many"

    def __init__(self, quick):
        super().__init__(quick)
        from lib.peers import connections_max
        # Some are left for the probe that sees whether a peer listens.
        self.count = min(10000, connections_max() - 36)
        self.title = f"{self.count:,} idle connections"


class LongPush(Measure):
    key, title = "long_push", "Push of 4 GiB"
    columns = (("peak", "peak RSS MiB", 1), ("grown", "more than at start MiB", 1))
    fresh, direct, rounds = True, False, 1

    def run(self, site, peer):
        before = machine.resident_kib(peer.pid)
        site.load(peer, "--chunked", "up", 4 * GIB // peer.scale)
        peak = machine.resident_kib(peer.pid, peak=True)
        return {"peak": peak / 1024, "grown": (peak - before) / 1024}


ALL = (Download, Push, Downloads, Pushes, OneConnection, ManyConnections, ThousandActive, NewConnections, Beside,
       BesideEight, Cores, CoresNew, Start, Fleet, ThousandIdle, ManyIdle, LongPush)
QUICK = (Download, Push, OneConnection, ManyConnections, NewConnections, Start, ThousandIdle)


def start(peer):
    """Starts a peer, and notes how long it took to be ready."""
    begun = time.monotonic()
    peer.start()
    peer.start_ms = (time.monotonic() - begun) * 1000
    return peer


def one_round(measure, site, peer):
    if not measure.fresh:
        return measure.run(site, peer)
    fresh = start(type(peer)(site))
    try:
        return measure.run(site, fresh)
    finally:
        fresh.stop()


def collect(measure, site, peers, say):
    """All rounds of a measure, interleaved: {peer: [round or Failed]}."""
    rounds = {peer.name: [] for peer in peers}
    for number in range(measure.rounds):
        turn = number % len(peers)
        for peer in (*peers[turn:], *peers[:turn]):  # nobody is always the first
            if rounds[peer.name] and isinstance(rounds[peer.name][-1], Failed):
                continue  # it will not get better, and others wait
            say(f"{measure.title}, round {number + 1} of {measure.rounds}: {peer.name}")
            try:
                rounds[peer.name].append(one_round(measure, site, peer))
            except Failed as failure:
                rounds[peer.name].append(failure)
            site.check_origin()
    if measure.added:
        add_difference(rounds, *measure.added)
    return rounds


def add_difference(rounds, column, origin):
    """What each peer adds to a direct connection's figure of the same round."""
    direct = rounds.get("direct", [])
    for found in rounds.values():
        for number, each in enumerate(found):
            if not isinstance(each, Failed):
                there = number < len(direct) and found is not direct and not isinstance(direct[number], Failed)
                each[column] = each[origin] - direct[number][origin] if there else None
