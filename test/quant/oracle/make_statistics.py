"""Writes fixtures/histogram.json: ranges that NNCF's HistogramAggregator finds for values of test/quant/oracle/values.ts.

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_statistics.py
"""
import json

import numpy as np
import torch
from nncf.common.tensor_statistics.collectors import HistogramAggregator
from nncf.tensor import Tensor

from make_placements import FOLDER


class Random:
    """The generator of values.ts."""

    def __init__(self, seed):
        self.state = seed

    def next(self):
        self.state = (self.state * 1664525 + 1013904223) % 2**32
        return self.state / 2**32


def bell(random):
    return random.next() + random.next() + random.next() + random.next() - 2


KINDS = {
    "bell": lambda r: bell(r),
    "tails": lambda r: bell(r) ** 5,
    "positive": lambda r: max(bell(r), 0) * 3,
    "uniform": lambda r: r.next() * 2 - 0.5,
    "negative": lambda r: -1 - r.next() ** 3,
    "constant": lambda r: 0.75,
    "zero": lambda r: 0,
    "outlier": lambda r: 50 if r.next() > 0.999 else bell(r),
    "tiny": lambda r: bell(r) * 1e-20,
    "two": lambda r: -1 if r.next() < 0.3 else 2,
}
SAMPLES, COUNT = 4, 3000


def main():
    results = []
    for kind, (name, make) in enumerate(KINDS.items()):
        random = Random(kind + 1)
        aggregator = HistogramAggregator()
        for sample in range(SAMPLES):
            # Later samples are wider, so that the histogram has to grow.
            values = np.array([make(random) * (1 + sample / 2) for _ in range(COUNT)], dtype=np.float32)
            aggregator.register_reduced_input(Tensor(torch.from_numpy(values)))
        found = aggregator.aggregate()
        results.append({"kind": name, "min": found["min_values"].item(), "max": found["max_values"].item()})
        print(results[-1])
    with open(FOLDER / "histogram.json", "w") as file:
        json.dump({"samples": SAMPLES, "count": COUNT, "kinds": results}, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
