"""What a process holds in its memory."""


def places(pid, needle):
    """Where `needle` stands in memory that can be written to. PermissionError where that cannot be looked at."""
    found = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(number, 16) for number in span.split("-"))
            if not mode.startswith("rw"):
                continue
            memory.seek(start)
            data, at = memory.read(end - start), -1
            while (at := data.find(needle, at + 1)) >= 0:
                found.append(start + at)
    return found
