"""Money: what the centre's own rules give, what each ride books, who owes whom."""
