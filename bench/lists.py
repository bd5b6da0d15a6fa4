"""Rows about the owner's side: the same work in a store of 1,000 resources and in a large one, interleaved in one run. What counts
is the ratio of the 99th percentiles: a page must not cost more because the store is large. bench/run calls measure() and report().
"""
import http.client, json, statistics, time

# name, script, samples
ROWS = [
    ('"shared with me", page of 50, person with 1,000 shares', "sets", "sets.txt"),
    ("policies by subject, owner's query", "policies", "policies.txt"),
    ("evaluate", "evaluate", "evaluate.txt"),
    ("approve a pending request, durable", "approve", "approve.txt"),
]
SMALL = 1000
FIRST, GOAL = 1.5, 1.1
HARD_TIMES = 30


def measure(wrk, servers, rounds, seconds):
    """`servers` are (usher, port, folder of samples) of the small store and of the large one. Returns rows by name: [(small, big)]."""
    results = {name: [] for name, *_ in ROWS}
    for n in range(rounds):
        for name, script, samples in ROWS:
            pair = [wrk(usher, port, seconds, script, f"{folder}/{samples}", n + 1, rounds) for usher, port, folder in servers]
            results[name].append(pair)
            print(f"round {n + 1}: {name}: p99 {pair[0]['p99']:.2f} and {pair[1]['p99']:.2f} ms", flush=True)
    return results


class Client:
    def __init__(self, port, prefix):
        self.connection, self.prefix = http.client.HTTPConnection("127.0.0.1", port, timeout=60), prefix

    def send(self, method, path, sso, body=None):
        """The answer as JSON, and how long it took in ms. Anything but success ends the benchmark."""
        headers = {"iPlanetDirectoryPro": sso, "Accept-API-Version": "resource=1.0", "Content-Type": "application/json"}
        began = time.monotonic()
        self.connection.request(method, self.prefix + path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        took = (time.monotonic() - began) * 1000
        if answer.status != 200:
            raise SystemExit(f"bench: {method} {path}: {answer.status} {text[:500]}")
        return json.loads(text), took


def times(step):
    took = sorted(step() for _ in range(HARD_TIMES))
    return statistics.median(took), took[-1]


def hard_cases(port, prefix, folder):
    """[(resource, work, median ms, longest ms)] of single requests, one after the other."""
    rows = []
    for line in open(f"{folder}/hard.txt"):
        name, sso, owner, resource, party, party_sso = line.split()
        client = Client(port, prefix)
        path = f"/users/{owner}/uma/policies/{resource}"
        question = {"policyId": resource, "subject": party, "scopes": ["view"]}

        def evaluate():
            answer, took = client.send("POST", f"/users/{owner}/uma/policies?_action=evaluate", sso, question)
            if answer["granted"] != ["view"]:
                raise SystemExit(f"bench: {name}: {answer}")
            return took

        def update():  # the first share loses its scope and gets it back: what was shared on goes and comes with it
            policy, _ = client.send("GET", path, sso)
            whole = policy["permissions"]
            less = [{**whole[0], "scopes": ["edit"]}] + whole[1:]
            body = {"policyId": resource, "permissions": less}
            _, first = client.send("PUT", path, sso, body)
            _, second = client.send("PUT", path, sso, {**body, "permissions": whole})
            return max(first, second)

        def page():
            query = f"_queryFilter=%21%28resourceOwnerId+eq+%22{party}%22%29&_sortKeys=name&_pageSize=50"
            return client.send("GET", f"/users/{party}/oauth2/resources/sets?{query}", party_sso)[1]

        for work, step in (("evaluate", evaluate), ("policy update", update), ("sets page of the last person", page)):
            rows.append((name, work, *times(step)))
    return rows


def report(results, hard, resources, verdict):
    """Lines of RESULTS.md."""
    out = ["", f"## Lists: 1,000 resources and {resources:,}, interleaved", "",
           "The same work in both stores; what counts is the ratio of the 99th percentiles (medians of the rounds).", "",
           f"| work | p99 ms at 1,000 | p99 ms at {resources:,} | ratio (min - max) | per second | CPU us a request | first target | goal | |",
           "|---|---|---|---|---|---|---|---|---|"]
    for name, pairs in results.items():
        median = lambda side, key: statistics.median(pair[side][key] for pair in pairs)
        ratios = [big["p99"] / small["p99"] for small, big in pairs]
        ratio = median(1, "p99") / median(0, "p99")
        out.append(f"| {name} | {median(0, 'p99'):.2f} | {median(1, 'p99'):.2f} | **{ratio:.2f}** ({min(ratios):.2f} - {max(ratios):.2f}) "
                   f"| {median(0, 'rate'):,.0f} / {median(1, 'rate'):,.0f} | {median(0, 'cpu_us'):.0f} / {median(1, 'cpu_us'):.0f} "
                   f"| {FIRST} | {GOAL} | {verdict(ratio, FIRST, GOAL, True)} |")
    out += ["", f"Hard cases, single requests in the store of {resources:,}: *wide* is a resource with 10,040 shares by 41 people, *chain* one that was",
            f"shared on 1,000 times, each by the one before. Of {HARD_TIMES} requests each.", "",
            "| resource | work | median ms | longest ms |", "|---|---|---|---|"]
    out += [f"| {name} | {work} | {median:.1f} | {longest:.1f} |" for name, work, median, longest in hard]
    return out
