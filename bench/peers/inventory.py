"""The peers of the benchmark `inventory`: the same questions in SQL, each engine in a process of its own, which measures its CPU time.

    inventory.py PEER FOLDER ROUNDS [POSTGRES-URL POSTMASTER-PID]

FOLDER has `rows.ndjson`, `containers.ndjson` and `ask.json`. Each line of the output is one JSON object: first what loading took, then each answer.
Tables are laid out as each engine's documentation advises for such questions: that is written beside them. Types are in lower case in the data, so
that `=` means here what `=~` means in KQL.
"""

import json
import os
import sys
import time

CLUSTERS = "'microsoft.kubernetes/connectedclusters'"
MACHINES = "'microsoft.hybridcompute/machines'"
EXTENSIONS = "'microsoft.hybridcompute/machines/extensions'"
# Members that are columns of their own where an engine holds them so.
TEXTS = {
    "connectivityStatus": "connectivityStatus",
    "kubernetesVersion": "kubernetesVersion",
    "hostCluster": "hostCluster",
    "lastStatusChange": "lastStatusChange",
    "provisioningState": "provisioningState",
    "publisher": "publisher",
    "type": "extensionType",
}
NUMBERS = {
    "detectedProperties.coreCount": "coreCount",
    "detectedProperties.totalPhysicalMemoryInGigabytes": "memory",
}
ROUND_SECONDS = 0.3


class Engine:
    """What all have in common; `text`, `number` and so on say how an engine writes what SQL has no word for."""

    def scope(self, alias, wanted):
        if wanted is None:
            return "1=1"
        return f"{alias}.subscriptionId IN ({', '.join(repr(one) for one in wanted)})"

    def day(self, member):
        raise NotImplementedError

    def site(self, column):
        return f"split_part({column}, '-', 2)"

    def failed(self, state):
        return f"count(*) FILTER (WHERE {state} <> 'Succeeded')"

    def cpu(self):
        return time.process_time()

    def size(self):
        return None

    def questions(self, wanted, name, key):
        text, number = self.text, self.number
        r, m, c = (self.scope(alias, wanted) for alias in "rmc")
        state = text("r", "provisioningState")
        kind = f"{text('r', 'publisher')} || '/' || {text('r', 'type')}"
        return {
            "count by type": f"SELECT type, count(*) AS n FROM r WHERE {r} GROUP BY type ORDER BY n DESC, type",
            "two members": f"""SELECT location, {text('r', 'kubernetesVersion')} AS v, count(*) AS n FROM r
                WHERE type = {CLUSTERS} AND {text('r', 'connectivityStatus')} = 'Connected' AND {r}
                GROUP BY location, v ORDER BY n DESC, location, v""",
            "top of a search": f"SELECT name, type, resourceGroup FROM r WHERE name LIKE '%9917%' AND {r} ORDER BY name LIMIT 10",
            "a tag": f"SELECT location, count(*) AS n FROM r WHERE lower({self.tag('env')}) = 'prod' AND {r} GROUP BY location ORDER BY location",
            "all tags": self.tags(r),
            "join of containers": f"""SELECT s.name, count(*) AS n FROM r LEFT JOIN s ON s.subscriptionId = r.subscriptionId
                WHERE r.type = {MACHINES} AND {r} GROUP BY s.name ORDER BY n DESC, s.name""",
            "join of types": f"""SELECT {text('c', 'kubernetesVersion')} AS v, count(*) AS n FROM r AS m
                JOIN r AS c ON c.name = {text('m', 'hostCluster')}
                WHERE m.type = {MACHINES} AND c.type = {CLUSTERS} AND {m} AND {c} GROUP BY v ORDER BY n DESC, v LIMIT 10""",
            "by day": f"SELECT {self.day('lastStatusChange')} AS d, count(*) AS n FROM r WHERE type = {MACHINES} AND {r} GROUP BY d ORDER BY d",
            "top of a nested number": f"""SELECT name, {number('r', 'detectedProperties.coreCount')} AS cores,
                {number('r', 'detectedProperties.totalPhysicalMemoryInGigabytes')} AS memory
                FROM r WHERE type = {MACHINES} AND {r} ORDER BY cores DESC, memory DESC, name LIMIT 10""",
            "parse": f"SELECT {self.site('name')} AS site, count(*) AS n FROM r WHERE type = {MACHINES} AND {r} GROUP BY site ORDER BY n DESC, site LIMIT 10",
            "extensions": f"SELECT {kind} AS e, count(*) AS n, {self.failed(state)} AS f FROM r WHERE type = {EXTENSIONS} AND {r} GROUP BY e ORDER BY e",
            "addresses": self.addresses(r),
            "one name": f"SELECT id, type, location FROM r WHERE name = '{name}' AND {r}",
            "one id": f"SELECT name, type, location FROM r WHERE id = '{key}' AND {r}",
        }


class DuckJson(Engine):
    """Documents as JSON, in memory; an index on what is looked up."""

    def __init__(self):
        import duckdb

        self.connection = duckdb.connect()
        self.run("PRAGMA threads=2")

    def run(self, sql):
        return self.connection.execute(sql).fetchall()

    def load(self, folder):
        fields = "{id: 'VARCHAR', name: 'VARCHAR', type: 'VARCHAR', location: 'VARCHAR', resourceGroup: 'VARCHAR', subscriptionId: 'VARCHAR', tags: 'JSON', properties: 'JSON'}"
        self.run(f"CREATE TABLE r AS SELECT * FROM read_json('{folder}/rows.ndjson', format='newline_delimited', columns={fields})")
        self.rest(folder)

    def rest(self, folder):
        self.run(f"CREATE TABLE s AS SELECT * FROM read_json('{folder}/containers.ndjson', columns={{subscriptionId: 'VARCHAR', name: 'VARCHAR'}})")
        self.run("CREATE INDEX by_name ON r(name)")
        self.run("CREATE INDEX by_id ON r(id)")

    def text(self, alias, path):
        return f"({alias}.properties->>'$.{path}')"

    def number(self, alias, path):
        return f"CAST({self.text(alias, path)} AS BIGINT)"

    def tag(self, name):
        return f"(r.tags->>'$.{name}')"

    def day(self, member):
        return f"strftime(CAST({self.text('r', member)} AS TIMESTAMP), '%Y-%m-%d')"

    def tags(self, scope):
        return f"""SELECT k, json_extract_string(tags, '$.' || k) AS v, count(*) AS n
            FROM (SELECT unnest(json_keys(tags)) AS k, tags FROM r WHERE {scope}) GROUP BY k, v ORDER BY k, v"""

    def addresses(self, scope):
        path = "$.networkProfile.networkInterfaces[*].ipAddresses[*].address"
        return f"""SELECT count(*) FROM (SELECT unnest(json_extract_string(properties, '{path}')) AS a FROM r
            WHERE type = {MACHINES} AND {scope}) WHERE a LIKE '10.7.%'"""


class DuckColumns(DuckJson):
    """What is asked for as columns, in memory."""

    def load(self, folder):
        super().load(folder)
        columns = [f"properties->>'$.{path}' AS {name}" for path, name in TEXTS.items() if path != "lastStatusChange"]
        columns += [f"CAST(properties->>'$.{path}' AS BIGINT) AS {name}" for path, name in NUMBERS.items()]
        self.run(f"""CREATE TABLE shredded AS SELECT id, name, type, location, resourceGroup, subscriptionId,
            CAST(tags AS MAP(VARCHAR, VARCHAR)) AS tags, tags->>'$.env' AS env, {', '.join(columns)},
            CAST(properties->>'$.lastStatusChange' AS TIMESTAMP) AS lastStatusChange,
            json_extract_string(properties, '$.networkProfile.networkInterfaces[*].ipAddresses[*].address') AS addresses FROM r""")
        self.run("DROP TABLE r")
        self.run("ALTER TABLE shredded RENAME TO r")
        self.run("CREATE INDEX by_name ON r(name)")
        self.run("CREATE INDEX by_id ON r(id)")

    def text(self, alias, path):
        return f"{alias}.{TEXTS[path]}"

    def number(self, alias, path):
        return f"{alias}.{NUMBERS[path]}"

    def tag(self, name):
        return f"r.{name}"

    def day(self, member):
        return f"strftime(r.{member}, '%Y-%m-%d')"

    def tags(self, scope):
        return f"SELECT e.key, e.value, count(*) FROM (SELECT unnest(map_entries(tags)) AS e FROM r WHERE {scope}) GROUP BY 1, 2 ORDER BY 1, 2"

    def addresses(self, scope):
        return f"SELECT count(*) FROM (SELECT unnest(addresses) AS a FROM r WHERE type = {MACHINES} AND {scope}) WHERE a LIKE '10.7.%'"


class ClickHouse(Engine):
    """chDB: MergeTree with the type JSON, which holds each path as a column of its own; sorted by type and subscription."""

    def __init__(self):
        from chdb import session

        self.session = session.Session()
        self.send("CREATE DATABASE fleet ENGINE = Atomic")
        self.send("USE fleet")

    def send(self, sql, form="CSV"):
        return self.session.query(sql + " SETTINGS max_threads=2" if sql.startswith("SELECT") else sql, form)

    def run(self, sql):
        answer = str(self.send(sql, "JSONCompact"))
        return json.loads(answer)["data"]

    def load(self, folder):
        low = "LowCardinality(String)"
        self.send(f"""CREATE TABLE r (id String, name String, type {low}, location {low}, resourceGroup {low}, subscriptionId {low},
            tags Map({low}, String), properties JSON) ENGINE = MergeTree ORDER BY (type, subscriptionId, name)""")
        self.send(f"INSERT INTO r SELECT * FROM file('{folder}/rows.ndjson', 'JSONEachRow')")
        self.send("CREATE TABLE s (subscriptionId String, name String) ENGINE = Memory")
        self.send(f"INSERT INTO s SELECT * FROM file('{folder}/containers.ndjson', 'JSONEachRow')")
        self.send("OPTIMIZE TABLE r FINAL")

    def size(self):
        return int(self.run("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'fleet'")[0][0])

    def text(self, alias, path):
        return f"{alias}.properties.{path}::String"

    def number(self, alias, path):
        return f"{alias}.properties.{path}::Int64"

    def tag(self, name):
        return f"r.tags['{name}']"

    def day(self, member):
        return f"toDate(r.properties.{member}::DateTime)"

    def site(self, column):
        return f"splitByChar('-', {column})[2]"

    def failed(self, state):
        return f"countIf({state} != 'Succeeded')"

    def tags(self, scope):
        return f"SELECT k, v, count() FROM r ARRAY JOIN mapKeys(tags) AS k, mapValues(tags) AS v WHERE {scope} GROUP BY k, v ORDER BY k, v"

    def addresses(self, scope):
        path = "properties.networkProfile.networkInterfaces[].ipAddresses[].address"
        return f"""SELECT count() FROM (SELECT arrayJoin(arrayFlatten({path}))::String AS a FROM r
            WHERE type = {MACHINES} AND {scope}) WHERE a LIKE '10.7.%'"""


class Sqlite(Engine):
    """In memory; indexes on type and subscription, on the name and on the id."""

    def __init__(self):
        import sqlite3

        self.connection = sqlite3.connect(":memory:")

    def run(self, sql):
        return self.connection.execute(sql).fetchall()

    def load(self, folder):
        self.run("CREATE TABLE r (id TEXT, name TEXT, type TEXT, location TEXT, resourceGroup TEXT, subscriptionId TEXT, tags TEXT, properties TEXT)")
        self.run("CREATE TABLE s (subscriptionId TEXT, name TEXT)")
        self.connection.executemany("INSERT INTO r VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows(folder))
        self.connection.executemany("INSERT INTO s VALUES (?, ?)", containers(folder))
        for index in ("by_type ON r(type, subscriptionId)", "by_name ON r(name)", "by_id ON r(id)"):
            self.run(f"CREATE INDEX {index}")
        self.run("ANALYZE")

    def size(self):
        return self.run("PRAGMA page_count")[0][0] * self.run("PRAGMA page_size")[0][0]

    def text(self, alias, path):
        return f"json_extract({alias}.properties, '$.{path}')"

    number = text

    def tag(self, name):
        return f"json_extract(r.tags, '$.{name}')"

    def day(self, member):
        return f"date({self.text('r', member)})"

    def site(self, column):
        rest = f"substr({column}, instr({column}, '-') + 1)"
        return f"substr({rest}, 1, instr({rest}, '-') - 1)"

    def tags(self, scope):
        return f"SELECT t.key, t.value, count(*) FROM r, json_each(r.tags) AS t WHERE {scope} GROUP BY 1, 2 ORDER BY 1, 2"

    def addresses(self, scope):
        return f"""SELECT count(*) FROM r, json_each(r.properties, '$.networkProfile.networkInterfaces') AS n, json_each(n.value, '$.ipAddresses') AS i
            WHERE r.type = {MACHINES} AND {scope} AND json_extract(i.value, '$.address') LIKE '10.7.%'"""


class Postgres(Engine):
    """jsonb; indexes on type and subscription, on the name and on the id; analysed."""

    def __init__(self, url, postmaster):
        import psycopg

        self.connection = psycopg.connect(url, autocommit=True)
        self.postmaster = postmaster

    def run(self, sql):
        cursor = self.connection.execute(sql)
        return cursor.fetchall() if cursor.description else []

    def load(self, folder):
        self.run("CREATE TABLE r (id TEXT, name TEXT, type TEXT, location TEXT, resourceGroup TEXT, subscriptionId TEXT, tags JSONB, properties JSONB)")
        self.run("CREATE TABLE s (subscriptionId TEXT, name TEXT)")
        for table, all_rows in (("r", rows(folder)), ("s", containers(folder))):
            with self.connection.cursor().copy(f"COPY {table} FROM STDIN") as copy:
                for row in all_rows:
                    copy.write_row(row)
        for index in ("by_type ON r(type, subscriptionId)", "by_name ON r(name)", "by_id ON r(id)"):
            self.run(f"CREATE INDEX {index}")
        self.run("VACUUM ANALYZE r")

    def size(self):
        return self.run("SELECT pg_total_relation_size('r')")[0][0]

    def cpu(self):
        """Of the database and all that it started, also of what has ended."""
        ticks = 0
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open(f"/proc/{entry}/stat") as stat:
                    fields = stat.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if int(entry) == self.postmaster:
                ticks += sum(int(field) for field in fields[11:15])
            elif int(fields[1]) == self.postmaster:
                ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def text(self, alias, path):
        return f"({alias}.properties->>'{path}')"

    def number(self, alias, path):
        return f"({alias}.properties#>>'{{{path.replace('.', ',')}}}')::bigint"

    def tag(self, name):
        return f"(r.tags->>'{name}')"

    def day(self, member):
        return f"to_char({self.text('r', member)}::timestamptz AT TIME ZONE 'UTC', 'YYYY-MM-DD')"

    def tags(self, scope):
        return f"SELECT k, v, count(*) FROM r, jsonb_each_text(tags) AS t(k, v) WHERE {scope} GROUP BY 1, 2 ORDER BY k COLLATE \"C\", v COLLATE \"C\""

    def addresses(self, scope):
        path = "$.networkProfile.networkInterfaces[*].ipAddresses[*].address"
        return f"""SELECT count(*) FROM r, jsonb_path_query(properties, '{path}') AS a
            WHERE type = {MACHINES} AND {scope} AND a#>>'{{}}' LIKE '10.7.%'"""


def rows(folder):
    with open(f"{folder}/rows.ndjson") as lines:
        for line in lines:
            row = json.loads(line)
            plain = [row[name] for name in ("id", "name", "type", "location", "resourceGroup", "subscriptionId")]
            yield (*plain, json.dumps(row["tags"]), json.dumps(row["properties"]))


def containers(folder):
    with open(f"{folder}/containers.ndjson") as lines:
        for line in lines:
            row = json.loads(line)
            yield row["subscriptionId"], row["name"]


def measured(engine, sql, rounds):
    """The answer, and the median over the rounds of CPU and wall time in milliseconds."""
    answer = engine.run(sql)
    cpu, wall = [], []
    for _ in range(rounds):
        calls, started, before = 0, time.perf_counter(), engine.cpu()
        while calls == 0 or (time.perf_counter() - started < ROUND_SECONDS and calls < 1000):
            engine.run(sql)
            calls += 1
        cpu.append((engine.cpu() - before) * 1000 / calls)
        wall.append((time.perf_counter() - started) * 1000 / calls)
    middle = lambda times: sorted(times)[len(times) // 2]
    return answer, middle(cpu), middle(wall)


def main():
    peer, folder, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
    engines = {"DuckDB, JSON": DuckJson, "DuckDB, columns": DuckColumns, "chDB": ClickHouse, "SQLite": Sqlite}
    engine = Postgres(sys.argv[4], int(sys.argv[5])) if peer == "PostgreSQL" else engines[peer]()
    with open(f"{folder}/ask.json") as file:
        ask = json.load(file)
    started = time.perf_counter()
    engine.load(folder)
    print(json.dumps({"loadSeconds": time.perf_counter() - started, "bytes": engine.size()}), flush=True)
    for caller, wanted in ask["callers"].items():
        for question, sql in engine.questions(wanted, ask["name"], ask["id"]).items():
            answer, cpu, wall = measured(engine, sql, rounds)
            shown = [[None if cell is None else str(cell) for cell in row] for row in answer]
            print(json.dumps({"caller": caller, "query": question, "rows": shown, "cpuMs": cpu, "wallMs": wall}), flush=True)


main()
