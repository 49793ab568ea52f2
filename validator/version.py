"""The one place where the version stands; the distribution and trip records (tag 0004) take it from here."""

VERSION = "0.1.0"
