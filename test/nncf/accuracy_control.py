"""Runs NNCF's quantization with accuracy control on models of a manifest: the groups that it ranks first, their scores,
and the groups that it brings back to float for each largest drop. A line of JSON for each model, which has all of this
twice: with models computed in float32, and as OpenVINO's CPU plugin computes them.
"""
import contextlib
import io
import json
import logging
import sys
from pathlib import Path

import nncf
import numpy as np
import openvino as ov
from float32 import in_float32
from nncf.openvino.quantization.quantize_model import quantize_with_accuracy_control_impl
from nncf.quantization.advanced_parameters import AdvancedAccuracyRestorerParameters, AdvancedQuantizationParameters
from nncf.quantization.algorithms.accuracy_control import algorithm, openvino_backend, ranker

nncf.set_log_level(logging.ERROR)
PRECISION = {"INFERENCE_PRECISION_HINT": "f32"}


class Recorder:
    """What NNCF does inside, for one call."""

    def __init__(self):
        self.groups, self.reverted = None, []


recorder = Recorder()
computes_in_float32 = False
prepare = openvino_backend.OVPreparedModel.__init__
score_groups = ranker.Ranker._sequential_calculation_ranking_score


def prepare_model(self, model, use_fp32_precision=True):
    prepare(self, in_float32(model) if computes_in_float32 else model, use_fp32_precision)


def names(group):
    return sorted(node.node_name for node in group.quantizers)


def record_scores(self, model, graph, groups, indices, references):
    scores = score_groups(self, model, graph, groups, indices, references)
    if recorder.groups is None:
        recorder.groups = [{"quantizers": names(group), "score": score} for group, score in zip(groups, scores)]
    return scores


def record_reverted(report, _drop):
    recorder.reverted = [names(group) for group in report.removed_groups]


openvino_backend.OVPreparedModel.__init__ = prepare_model
ranker.Ranker._sequential_calculation_ranking_score = record_scores
algorithm.QuantizationAccuracyRestorer._print_report = staticmethod(record_reverted)


def run(folder, case, in_floats):
    global computes_in_float32, recorder
    computes_in_float32 = in_floats
    items = np.fromfile(folder / case["items"], dtype=np.float32).reshape(-1, *case["shape"])
    references = np.fromfile(folder / case["references"], dtype=np.float32).reshape(len(items), -1)

    def metric(model, data):
        values = []
        for x, index in data:
            output = model(x)[0].ravel()
            values.append(-float(np.sqrt(np.sum((output - references[index]) ** 2) / np.sum(references[index] ** 2))))
        return sum(values) / len(values), values

    indexed = list(zip(items, range(len(items))))
    runs, groups, metrics = [], None, []
    for drop in case["maxDrops"]:
        recorder = Recorder()
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            model = quantize_with_accuracy_control_impl(
                ov.Core().read_model(folder / case["xml"]),
                nncf.Dataset(list(items[: case["calibration"]])),
                nncf.Dataset(indexed, lambda item: item[0]),
                metric,
                max_drop=drop,
                fast_bias_correction=False,
                advanced_quantization_parameters=AdvancedQuantizationParameters(overflow_fix=nncf.OverflowFix.DISABLE),
                advanced_accuracy_restorer_parameters=AdvancedAccuracyRestorerParameters(
                    ranking_subset_size=case["rankingSubset"], num_ranking_workers=1
                ),
            )
        compiled = ov.compile_model(in_float32(model) if in_floats else model, "CPU", PRECISION)
        groups = groups or recorder.groups
        runs.append({"metric": metric(compiled, indexed)[0], "reverted": recorder.reverted})
    return {"groups": groups, "runs": runs}


def main(folder):
    for case in json.loads((folder / "manifest.json").read_text()):
        report = {"name": case["name"], "float32": run(folder, case, True), "asDeployed": run(folder, case, False)}
        print(json.dumps(report), flush=True)


main(Path(sys.argv[1]))
