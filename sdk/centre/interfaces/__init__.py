"""The region's read interfaces over HTTP: each institution, city, auditor and service sees what is its own.

keys.py        who may ask: keys by role, of which only digests are kept
limits.py      how often
gatekeeper.py  what every request passes first: sizes, key, rate; what it becomes is told without a secret
committed.py   what may be read: days that are cleared to their end, while the next one is being written
cursors.py     the place in a feed, for who comes back tomorrow
paging.py      rows of a feed from there on
conditional.py answers with an ETag, 304 where nothing is new
problems.py    refusals, RFC 9457, in both languages
models.py      what answers hold
months.py      a rider's month
parties.py     feeds, nets, sums and files of institutions
desk.py        what the routes share
app.py         the application; routes_*.py: its paths by who may ask
"""
