"""Writes fixtures/randomOptions.json: what NNCF does to the random networks of fixtures/random.json under other options.

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_random_options.py
"""
import json
import re
import sys

import torch

from make_options import RULES, measure
from make_placements import FOLDER
from make_random import RandomNet

FOUR = {"weightsQuantizationParams": {"numBits": 4}}
VARIANTS = [
    *({"advancedParameters": {"quantizerPropagationRule": rule}} for rule in RULES),
    {"advancedParameters": {"quantizeOutputs": True}},
    {"preset": "mixed", "advancedParameters": {"quantizeOutputs": True, "quantizerPropagationRule": "mergeWithPotentialRequantization"}},
    {"targetDevice": "npu", "advancedParameters": FOUR},
    {"targetDevice": "cpu_spr"},
    {"modelType": "transformer", "preset": "performance", "advancedParameters": {"smoothQuantAlphas": {"matmul": -1}}},
]


def main():
    results = []
    for index, entry in enumerate(json.load(open(FOLDER / "random.json"))):
        # Two variants for each network, so that every variant meets many networks.
        for options in (VARIANTS[index % len(VARIANTS)], VARIANTS[(3 * index + 1) % len(VARIANTS)]):
            torch.manual_seed(index)
            model = RandomNet(entry["program"]).eval()
            try:
                found = measure(model, [torch.randn(2, 4, 6, 6)], options, 2)["quantizers"]
            except Exception as error:  # noqa: BLE001
                print(index, options, type(error).__name__, str(error)[:200], file=sys.stderr)
                continue
            for quantizer in found:
                for key in ("signed", "values"):
                    quantizer.pop(key, None)
                quantizer["hooks"] = [re.sub(r":layers(\d+)/", r":layers/\1/", hook) for hook in quantizer["hooks"]]
            results.append({"network": index, "options": options, "quantizers": found})
    with open(FOLDER / "randomOptions.json", "w") as file:
        json.dump(results, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
