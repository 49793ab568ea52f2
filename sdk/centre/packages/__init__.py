"""The parameter centre: who proposes and approves a package, who gets it when, and who has had it since when."""
