"""Prints scipy's Clopper-Pearson intervals of 95 % for counts, one pair "COUNT TOTAL" a line on standard input."""

import json
import sys

from scipy.stats import binomtest

rows = []
for line in sys.stdin:
    count, total = map(int, line.split())
    interval = binomtest(count, total).proportion_ci(confidence_level=0.95, method="exact")
    rows.append([interval.low, interval.high])
json.dump(rows, sys.stdout)
