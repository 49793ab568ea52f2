"""Past rides under other parameters: judged again by the same core, settled again by the same rules.

other.py            the other parameters, in whatever form they are at hand
judging.py          the rides as they stand, and what the core says of their taps under the other parameters
judging_sql.py      the relational steps of it
settling.py         both settlements side by side, ride by ride
sums.py             by pair of cities, mode and kind of account; who would pay; who would be refused
writing.py          a simulation in a folder: CSV, Parquet, JSON
"""
