"""What watching an engine adds to a query: ``python benchmarks/database.py`` (SQLite in memory, one thread).

The peer is an engine with two listeners that do nothing: what SQLAlchemy itself takes for anybody who watches.
"""

from __future__ import annotations

from time import perf_counter

from sqlalchemy import create_engine, event, text

import genotel

QUERIES, ROUNDS = 3_000, 15


def microseconds(engine) -> float:
    query = text("SELECT 1")
    with engine.connect() as connection:
        connection.execute(query)
        began = perf_counter()
        for _ in range(QUERIES):
            connection.execute(query).all()
        return (perf_counter() - began) / QUERIES * 1e6


def main() -> None:
    plain, listened, watched = (create_engine("sqlite://") for _ in range(3))
    for name in ("before_cursor_execute", "after_cursor_execute"):
        event.listen(listened, name, lambda *_: None)
    with genotel.configure(page=False), genotel.watch_database(watched):
        # In turn; the quickest round of each, since whatever else the machine does only adds.
        rounds = [[microseconds(engine) for engine in (plain, listened, watched)] for _ in range(ROUNDS)]
    without, empty, ours = (min(column) for column in zip(*rounds, strict=True))
    print(
        f"a query {without:.1f} µs, with empty listeners {empty:.1f} µs, watched {ours:.1f} µs: {ours - empty:.1f} more"
    )


if __name__ == "__main__":
    main()
