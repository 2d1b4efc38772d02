"""Buckets of clusters: each id's is computed once, when it is loaded, the same on every engine.

An id that came in otherwise than by `stamp` or `merge` still has its bucket, by the same
expression: the table only saves computing it again.
"""

from __future__ import annotations

#: Clusters are dealt into as many buckets; the variance comes from between them.
BUCKETS = 128
BUCKET_TABLE = "_buckets"


def bucket_sql(identifier: str) -> str:
    """The bucket, 0 to 127, of a cluster's id: 7 bits of its MD5, with functions that all have."""
    digest = f"md5(CAST({identifier} AS VARCHAR))"
    high, low = (f"(strpos('0123456789abcdef', substr({digest}, {i}, 1)) - 1)" for i in (1, 2))
    return f"CAST(({high} % 8) * 16 + {low} AS SMALLINT)"


def units_sql(table: str, column: str) -> str:
    """The query that gives every id of a column with its bucket, as `id` and `bucket`."""
    return f"SELECT id, bucket FROM {BUCKET_TABLE} UNION ALL {new_buckets_sql(table, column)}"


def new_buckets_sql(rows: str, column: str) -> str:
    """The query that gives the ids of a column that have no bucket yet, with theirs."""
    return (
        f"SELECT id, {bucket_sql('id')} AS bucket "
        f"FROM (SELECT DISTINCT {column} AS id FROM {rows} WHERE {column} IS NOT NULL) AS ids "
        f"WHERE NOT EXISTS (SELECT 1 FROM {BUCKET_TABLE} AS held WHERE held.id = ids.id)"
    )
