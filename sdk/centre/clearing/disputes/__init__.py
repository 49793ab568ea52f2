"""Disputes: raised, confirmed, decided where the signatures or the tables decide them, answered with the evidence."""
