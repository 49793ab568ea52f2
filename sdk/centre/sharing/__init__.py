"""What leaves the centre for others to look at: rides without riders.

pseudonyms.py    names for riders that change by month and city
rides.py         the bookings of a service date, once no late ones are waited for
tides.py         a city's own data as a TIDES 1.0 package
suppression.py   a table of counts in which no small one can be told
flows.py         who rides where, by hour: for everybody
money.py         what funders paid, and what equal treatment would change: for everybody
report.py        the same as a page
writing.py       a day's share in a folder, once and for all
"""
