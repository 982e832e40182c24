#!/opt/python/bin/python3.11
"""`ss -Htnp state established '( dport = :5432 )'`, for a guest without it."""

from pathlib import Path

owners = {}
for link in Path("/proc").glob("[0-9]*/fd/*"):
    try:
        owners[str(link.readlink())] = link.parts[2]
    except OSError:
        continue
for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
    fields = line.split()
    local, remote, state, inode = fields[1], fields[2], fields[3], fields[9]
    if state == "01" and int(remote.split(":")[1], 16) == 5432:
        print(f'0 0 {local} {remote} users:(("x",pid={owners.get(f"socket:[{inode}]", "?")},fd=0))')
