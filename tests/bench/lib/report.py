"""The table, and its drawing. Medians of the rounds; a ratio is the median of the rounds' own ratios."""
from statistics import median
from xml.sax.saxutils import escape

from lib.site import Failed

# The goals: what is compared with what, within a round.
FLOOR_CPU, FLOOR_RATE, SQUID_CPU, MANY_CPU = 1.1, 0.95, 0.5, 1.0
# A small request beside downloads, against a direct one: (measure, what, µs more at p50, at p99).
BESIDE = (("beside", "a download", 500, 3000), ("beside8", "eight downloads", 2000, None))


class Result:
    def __init__(self, machine, load, quick):
        self.machine, self.load, self.quick = machine, load, quick
        self.load_after = 0.0
        self.measures = []  # (measure, {peer: rounds})
        self.versions, self.missing, self.git, self.waits = {}, [], {}, {}

    def add(self, measure, rounds):
        self.measures.append((measure, rounds))

    def rounds(self, key, peer):
        for measure, rounds in self.measures:
            if measure.key == key:
                return good(rounds.get(peer, []))
        return []

    def value(self, key, peer, column):
        values = [each[column] for each in self.rounds(key, peer) if each[column] is not None]
        return median(values) if values else None

    def ratios(self, key, column, peer, other):
        pairs = zip(self.rounds(key, peer), self.rounds(key, other))
        return [a[column] / b[column] for a, b in pairs if a[column] and b[column]]

    def ratio(self, key, column, peer, other):
        ratios = self.ratios(key, column, peer, other)
        return median(ratios) if ratios else None

    def spread(self, key, column, peer, other):
        """The ratio as text, with the least and the greatest of the rounds."""
        ratios = self.ratios(key, column, peer, other)
        return f"{median(ratios):.2f} ({min(ratios):.2f}–{max(ratios):.2f})" if ratios else ""

    def peers(self, key):
        for measure, rounds in self.measures:
            if measure.key == key:
                return list(rounds)
        return []


def good(rounds):
    return [each for each in rounds if not isinstance(each, Failed)]


def number(value, digits):
    return "" if value is None else f"{value:,.{digits}f}"


def table(measure, rounds):
    lines = [f"### {measure.title}", "", "| | " + " | ".join(title for _, title, _ in measure.columns) + " |",
             "| --- |" + " ---: |" * len(measure.columns)]
    for peer, found in rounds.items():
        fine = good(found)
        cells = []
        for key, _, digits in measure.columns:
            values = [each[key] for each in fine if each[key] is not None]
            cells.append(number(median(values), digits) if values else "")
        failures = [str(each) for each in found if isinstance(each, Failed)]
        if failures and not fine:
            cells = [f"failed: {failures[0]}"] + [""] * (len(measure.columns) - 1)
        elif failures:
            peer += f" (then failed: {failures[0]})"
        lines.append(f"| {peer} | " + " | ".join(cells) + " |")
    return lines + [""]


def git_table(git):
    lines = ["### git, with a token and a credential helper of its own, and behind gitlatch", "",
             "| round trip | command | direct | gitlatch | ratio | with `keep_capabilities` | ratio |",
             "| --- | --- | ---: | ---: | ---: | ---: | ---: |"]
    for round_trip, commands in git.items():
        for command, times in commands.items():
            cells = [f"{median(each[0] for each in times):.3f} s"]
            for way in (1, 2):
                cells += [f"{median(each[way] for each in times):.3f} s",
                          f"{median(each[way] / each[0] for each in times):.2f}"]
            lines.append(f"| {round_trip} ms | {command} | {' | '.join(cells)} |")
    return lines + [""]


PROXIES, GATEWAYS = ("goproxy", "hudsucker", "squid", "mitmproxy"), ("nginx", "haproxy")


def best_peer(result, key, column, lowest, peers=PROXIES):
    """The best of those that do the same work: a proxy is compared with proxies, a gateway with gateways."""
    values = {peer: result.value(key, peer, column) for peer in peers}
    values = {peer: value for peer, value in values.items() if value is not None}
    return (min if lowest else max)(values.items(), key=lambda item: item[1]) if values else (None, None)


def goals(result):
    """Each goal: (what, goal, measured, met)."""
    found = []

    def line(what, want, value, met, text):
        if value is not None:
            found.append(f"| {what} | {want} | {text} | {'met' if met else '**not met**'} |")

    for key, what in (("down", "download"), ("up", "push")):
        ratio = result.ratio(key, "cpu", "gitlatch", "floor")
        line(f"CPU a GiB, {what}, to the floor's", f"≤ {FLOOR_CPU}", ratio, ratio and ratio <= FLOOR_CPU,
             result.spread(key, "cpu", "gitlatch", "floor"))
        ratio = result.ratio(key, "cpu", "gitlatch", "squid")
        line(f"CPU a GiB, {what}, to squid's", f"< {SQUID_CPU}", ratio, ratio and ratio < SQUID_CPU,
             result.spread(key, "cpu", "gitlatch", "squid"))
        ratio = result.ratio(key, "rate", "gitlatch", "floor")
        line(f"throughput of one {what}, to the floor's", f"≥ {FLOOR_RATE}", ratio, ratio and ratio >= FLOOR_RATE,
             result.spread(key, "rate", "gitlatch", "floor"))
    for key, what in (("streams", "16 downloads"), ("pushes", "16 pushes")):
        ratio = result.ratio(key, "cpu", "gitlatch", "floor")
        line(f"CPU a GiB, {what}, to the floor's", f"≤ {MANY_CPU}", ratio, ratio and ratio <= MANY_CPU,
             result.spread(key, "cpu", "gitlatch", "floor"))
        ours, (peer, theirs) = result.value(key, "gitlatch", "rate"), best_peer(result, key, "rate", False)
        if ours and theirs:
            line(f"MiB/s, {what}", f"ahead of every proxy ({peer}: {number(theirs, 0)})", ours, ours > theirs,
                 number(ours, 0))
    for key, what, p50, p99 in BESIDE:
        added = result.value(key, "gitlatch", "added")
        line(f"a small request beside {what}, more than direct, p50", f"≤ {number(p50, 0)} µs", added,
             added is not None and added <= p50, f"{number(added, 0)} µs")
        if p99 and added is not None:
            more = result.value(key, "gitlatch", "p99") - result.value(key, "direct", "p99")
            line(f"a small request beside {what}, more than direct, p99", f"≤ {number(p99, 0)} µs", more, more <= p99,
                 f"{number(more, 0)} µs")
    for key, column, what, lowest in (("requests", "rate", "requests/s, 1 connection", False),
                                      ("requests64", "rate", "requests/s, 64 connections", False),
                                      ("requests64", "cpu", "CPU µs a request", True),
                                      ("down", "cpu", "CPU s a GiB, download", True),
                                      ("up", "cpu", "CPU s a GiB, push", True),
                                      ("new", "rate", "new connections/s", False)):
        for us, peers in (("gitlatch", PROXIES), ("gitlatch gateway", GATEWAYS)):
            ours = result.value(key, us, column)
            peer, theirs = best_peer(result, key, column, lowest, peers)
            if ours and theirs:
                kind = "proxy" if peers is PROXIES else "gateway"
                digits = 2 if ours < 10 else 0
                line(f"{what}, as a {kind}", f"ahead of every {kind} ({peer}: {number(theirs, digits)})", ours,
                     ours < theirs if lowest else ours > theirs, number(ours, digits))
    for round_trip, command, way, limit in ((50, "ls-remote", 1, 0.5), (50, "fetch, nothing new", 1, 0.5),
                                            (50, "ls-remote", 2, 0.3), (50, "fetch, nothing new", 2, 0.3),
                                            (20, "clone 500 MB", 1, 1.03), (50, "clone 500 MB", 1, 1.03)):
        times = result.git.get(round_trip, {}).get(command)
        if times:
            ratio = median(each[way] / each[0] for each in times)
            kept = ", with `keep_capabilities`" if way == 2 else ""
            line(f"git {command}, {round_trip} ms{kept}, to direct", f"≤ {limit}", ratio, ratio <= limit,
                 f"{ratio:.2f}")
    for key, what, limit, order in (("first clone", "first clone of a cold sidecar, 50 ms, to one with everything warm", 1.1, 1),
                                    ("push", "git push of one commit, 50 ms, to direct", 0.4, -1)):
        ratios = [(a / b) ** order for a, b in result.waits.get(key, [])]
        if ratios:
            ratio = median(ratios)
            line(what, f"≤ {limit}", ratio, ratio <= limit, f"{ratio:.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    for key, column, what, limit, unit in (("start", "ms", "start to ready", 50, "ms"),
                                           ("start", "rss", "memory at start (RSS)", 12, "MiB"),
                                           ("idle", "kib", "an idle intercepted connection", 50, "KiB"),
                                           ("fleet", "private", "private memory of one sidecar of many", 3.5, "MiB"),
                                           ("fleet", "idle", "CPU of one idle sidecar of many", 0.05, "%"),
                                           ("fleet", "ms", "start of one sidecar of many", 20, "ms")):
        value = result.value(key, "gitlatch", column)
        line(what, f"≤ {limit} {unit}", value, value is not None and value <= limit,
             f"{number(value, 3 if limit < 1 else 1)} {unit}")
    value = result.value("long_push", "gitlatch", "grown")
    line("memory while 4 GiB stream through", "flat", value, value is not None and value < 4,
         f"+{number(value, 1)} MiB")
    return ["### Goals", "", "| | goal | measured | |", "| --- | --- | ---: | --- |", *found, ""] if found else []


# What README shows.

SUMMARY = (("down", "cpu", "download, CPU s/GiB", 2), ("up", "cpu", "push, CPU s/GiB", 2),
           ("requests64", "rate", "requests/s", 0), ("requests64", "cpu", "CPU µs/request", 0),
           ("new", "rate", "new connections/s", 0), ("start", "rss", "RSS at start, MiB", 1),
           ("idle", "kib", "KiB/idle connection", 1))


def summary(result):
    columns = [column for column in SUMMARY if result.peers(column[0])]
    peers = dict.fromkeys(peer for key, *_ in columns for peer in result.peers(key))
    lines = ["| | " + " | ".join(title for *_, title, _ in columns) + " |", "| --- |" + " ---: |" * len(columns)]
    for peer in peers:
        cells = [number(result.value(key, peer, column), digits) for key, column, _, digits in columns]
        lines.append(f"| {peer} | " + " | ".join(cells) + " |")
    return lines + [""]


def costs(result):
    """What more of each thing takes, of one gitlatch."""
    rows = []

    def row(what, *parts):
        known = [f"{number(value, digits)} {unit}" for value, digits, unit in parts if value is not None]
        if known:
            rows.append(f"| {what} | {', '.join(known)} |")

    ours = lambda key, column, peer="gitlatch": result.value(key, peer, column)  # noqa: E731
    row("workspace with a sidecar of its own", (ours("start", "memory"), 1, "MiB beside what it shares"),
        (ours("start", "rss"), 1, "MiB with all of its libraries"), (ours("start", "ms"), 0, "ms to start"))
    row("idle connection", (ours("idle", "kib"), 0, "KiB"))
    row("new connection: CONNECT, TLS, a request", (ours("new", "cpu"), 0, "µs of CPU"))
    row("request on a connection that is there", (ours("requests64", "cpu"), 0, "µs of CPU"))
    row("GiB fetched", (ours("down", "cpu"), 2, "s of CPU"))
    row("GiB pushed", (ours("up", "cpu"), 2, "s of CPU"),
        (ours("long_push", "grown"), 1, "MiB of memory, whatever its size"))
    ratio = result.ratio("cores", "rate", "gitlatch ×2", "gitlatch")
    row("process on the same port (`reuse_port`), the load beside it on the same cores", (ratio, 2, "× the requests"),
        (result.ratio("cores_new", "rate", "gitlatch ×2", "gitlatch"), 2, "× the new connections"))
    return ["| one more | costs or gives |", "| --- | --- |", *rows, ""] if rows else []


def readme(result):
    ratios = [result.ratio(key, "cpu", "gitlatch", "floor") for key in ("down", "up")]
    git = result.git.get(50, {})
    lines = [f"On {result.machine}; clients, proxies and origin share the cores"
             + (f" (load average before: {result.load:.1f})" if result.load > 1 else "") + ".", "", *summary(result)]
    if all(ratios):
        lines += [f"A GiB costs gitlatch {number(ratios[0], 2)} × the CPU time of the floor on its way down, "
                  f"{number(ratios[1], 2)} × on its way up."]
    if git:
        told = [f"`{command}` {median(pair[1] / pair[0] for pair in pairs):.2f} ×" for command, pairs in git.items()]
        lines += [f"With 50 ms to GitHub, against git alone with a credential helper: {', '.join(told)} the time."]
    return "\n".join([*lines, ""])


def markdown(result):
    versions = ", ".join(f"{name} {version}" for name, version in result.versions.items() if version)
    lines = [f"Measured by `tests/bench/run{' --quick' if result.quick else ''}` on {result.machine}, where all of it "
             f"runs side by side (load average before: {result.load:.1f}, after: {result.load_after:.1f}). {versions}.",
             "",
             "*direct*: no proxy. *floor*: the least program that does a proxy's job, with one blocking pump. Proxies "
             "(gitlatch, goproxy, hudsucker, squid, mitmproxy) end the client's TLS; gateways (gitlatch gateway, nginx, haproxy) are asked "
             "in plain HTTP and have half the TLS to do. All add the Authorization, verify the origin, and speak TLS "
             "1.3 with AES-128-GCM. gitlatch enforces its rules and writes its audit log meanwhile.", ""]
    if result.missing:
        lines += [f"Not here: {', '.join(result.missing)}.", ""]
    lines += goals(result) + costs(result)
    for measure, rounds in result.measures:
        lines += table(measure, rounds)
    if result.git:
        lines += git_table(result.git)
    return "\n".join(lines)


# The drawing: a panel a measure, a bar a peer. Colours that read on white and on black.

OURS, THEIRS, TEXT = "#2f81f7", "#8b949e", "#7d8590"
PANELS = (("down", "cpu", "CPU for a download, s/GiB", 2), ("up", "cpu", "CPU for a push, s/GiB", 2),
          ("requests64", "cpu", "CPU for a request, µs", 0), ("new", "rate", "New connections a second", 0), ("start", "rss", "Memory at start (RSS), MiB", 1),
          ("idle", "kib", "Memory of an idle connection, KiB", 0))
WIDTH, ROW, LABEL, BAR = 430, 22, 118, 230


def panel(result, key, column, title, digits, x, y):
    values = {peer: result.value(key, peer, column) for peer in result.peers(key)}
    values = {peer: value for peer, value in values.items() if value is not None}
    top = max(values.values(), default=1)
    parts = [f'<text x="{x}" y="{y}" font-weight="bold">{escape(title)}</text>']
    for row, (peer, value) in enumerate(values.items()):
        at = y + 12 + row * ROW
        colour = OURS if peer.startswith("gitlatch") else THEIRS
        parts.append(f'<text x="{x + LABEL - 8}" y="{at + 13}" text-anchor="end">{escape(peer)}</text>'
                     f'<rect x="{x + LABEL}" y="{at}" width="{max(value / top * BAR, 1):.1f}" height="{ROW - 5}" rx="2" '
                     f'fill="{colour}"/>'
                     f'<text x="{x + LABEL + value / top * BAR + 6:.1f}" y="{at + 13}">{number(value, digits)}</text>')
    return parts, len(values) * ROW + 40


def git_panel(result, x, y):
    parts = [f'<text x="{x}" y="{y}" font-weight="bold">git at a round trip of 50 ms, direct = 1</text>']
    rows = [(command, median(pair[1] / pair[0] for pair in pairs))
            for command, pairs in result.git.get(50, {}).items()]
    for row, (command, ratio) in enumerate(rows):
        at = y + 12 + row * ROW
        parts.append(f'<text x="{x + LABEL - 8}" y="{at + 13}" text-anchor="end">{escape(command)}</text>'
                     f'<rect x="{x + LABEL}" y="{at}" width="{BAR}" height="{ROW - 5}" rx="2" fill="{THEIRS}" '
                     f'opacity="0.35"/><rect x="{x + LABEL}" y="{at}" width="{min(ratio, 1.2) * BAR:.1f}" '
                     f'height="{ROW - 5}" rx="2" fill="{OURS}"/>'
                     f'<text x="{x + LABEL + max(ratio, 1) * BAR + 6:.1f}" y="{at + 13}">{ratio:.2f}</text>')
    return parts, len(rows) * ROW + 40


def svg(result):
    parts, y = [], 24
    for left, right in zip(PANELS[::2], PANELS[1::2]):
        drawn, height = panel(result, *left, 10, y)
        beside, other = panel(result, *right, 10 + WIDTH, y)
        parts += drawn + beside
        y += max(height, other)
    drawn, height = git_panel(result, 10, y)
    parts += drawn
    y += height
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{2 * WIDTH}" height="{y}" viewBox="0 0 {2 * WIDTH} {y}" '
            f'font-family="system-ui, sans-serif" font-size="12" fill="{TEXT}">\n' + "\n".join(parts) + "\n</svg>\n")
