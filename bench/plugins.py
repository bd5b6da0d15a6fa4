"""Rows about plugins: what one hook that does nothing costs on the paths of tickets and RPTs, in each of the ways to be called. The same
server is started with one plugin or another, in turns, on the large store; ratios are of the rates without any plugin.
"""
import os, statistics

# name, configuration of the plugin
WAYS = [
    ("no plugin", None),
    ("C, quick", "  - path: {build}/bench/idle_quick.so\n"),
    ("C, on threads", "  - path: {build}/bench/idle.so\n"),
    ("Lua", "  - path: {build}/plugins/lua/lua.so\n    config: {{script: {folder}/idle.lua}}\n"),
    ("in a process of its own", "  - path: {build}/bench/idle.so\n    process: true\n"),
]
# name, script, samples, requests that make one unit of work
PATHS = [("permission ticket", "ticket", "tickets.txt", 1), ("ticket + RPT (pairs)", "rpt", "tickets.txt", 2)]
SCRIPT = "function onPermissionRequest(resource, scopes, client) end\nfunction beforeAuthorization(ticket, party, owner, scopes) end\n"
LIMIT = 0.03 # what a quick C hook may cost


def measure(start, wrk, folder, build, rounds, seconds):
    """start(text) serves the store with that text behind its configuration: (server, port). Returns rates by way and path."""
    with open(os.open(f"{folder}/idle.lua", os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as out:
        out.write(SCRIPT)
    results = {(way, path): [] for way, _ in WAYS for path, *_ in PATHS}
    for n in range(rounds):
        for way, text in WAYS[n % len(WAYS):] + WAYS[:n % len(WAYS)]: # nobody is always first
            server, port = start("" if text is None else "plugins:\n" + text.format(build=build, folder=folder))
            for path, script, samples, per in PATHS:
                r = wrk(server, port, seconds, script, f"{folder}/{samples}", n + 1, rounds)
                results[way, path].append((r["rate"] / per, r["cpu_us"] * per))
                print(f"round {n + 1}: {way}: {path}: {r['rate'] / per:.0f}/s, {r['cpu_us'] * per:.1f} us CPU", flush=True)
            server.stop()
    return results


def report(results):
    out = ["", "## Plugins: one hook that does nothing", "",
           "The same server with one plugin or another, in turns, 64 connections. The ticket path calls onPermissionRequest; a pair calls that and",
           f"beforeAuthorization. Ratios of rates to those without plugins, of medians; a quick C hook may cost {LIMIT:.0%}.", "",
           "| plugin | " + " | ".join(f"{path}, per second | ratio | CPU us" for path, *_ in PATHS) + " |",
           "|---|" + "---|---|---|" * len(PATHS)]
    for way, _ in WAYS:
        cells = []
        for path, *_ in PATHS:
            rate, cpu = (statistics.median(r[i] for r in results[way, path]) for i in (0, 1))
            bare = statistics.median(r[0] for r in results[WAYS[0][0], path])
            cells.append(f"{rate:,.0f} | {rate / bare:.3f} | {cpu:.1f}")
        out.append(f"| {way} | " + " | ".join(cells) + " |")
    return out
