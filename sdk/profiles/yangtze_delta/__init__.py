"""The Yangtze-delta profile: three provinces and Shanghai take one code, by their work plan of 2023 to 2025.

The plan is data (plan.csv, cities.csv); plan.py says what a row means; issuers, fares and concessions in a package made
from it are synthetic.
"""
