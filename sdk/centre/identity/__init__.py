"""Who is one person behind several codes: what issuers state of their accounts, and what follows from it.

statements.py   the form in which an issuer states, signed
consents.py     what a service may see of a rider who consents
issuers.py      who may state what: accounts and keys of each issuer, by the file identity.toml
persons.py      what the statements of a day come to: persons
members.py      and which accounts are in which group, on which days
taking.py       the step of a day: statements taken in, and the tables that follow from them
gate_list.py    what of it the gates of a city are told
"""
