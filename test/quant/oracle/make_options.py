"""Writes fixtures/options.json and fixtures/options.safetensors: what NNCF does to networks of nets.py under other options.

Run with PyTorch 2.13 (CPU) and NNCF 3.4: python test/quant/oracle/make_options.py [case ...]
With names, prints the results of these cases and writes nothing.
"""
import contextlib
import copy
import io
import json
import sys

import nncf
import torch
from nncf.common.quantization.quantizer_propagation.structs import QuantizerPropagationRule
from nncf.quantization.advanced_parameters import AdvancedBiasCorrectionParameters, AdvancedSmoothQuantParameters, QuantizationParameters
from nncf.quantization.algorithms.post_training.algorithm import PostTrainingQuantization
from nncf.quantization.range_estimator import (
    AggregatorType,
    RangeEstimatorParameters,
    StatisticsCollectorParameters,
    StatisticsType,
)
from nncf.torch.function_hook import wrap_model
from nncf.torch.function_hook.nncf_graph.nncf_graph_builder import GraphModelWrapper
from safetensors.torch import save_file

from make_placements import FOLDER, PRESETS, SAMPLES, Batches, calibration, digits
from nets import build, randomize

RULES = {
    "doNotMergeBranches": QuantizerPropagationRule.DO_NOT_MERGE_BRANCHES,
    "mergeIfAllBranchesSame": QuantizerPropagationRule.MERGE_IF_ALL_BRANCHES_SAME,
    "mergeWithPotentialRequantization": QuantizerPropagationRule.MERGE_WITH_POTENTIAL_REQUANTIZATION,
}
snake = lambda name: "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)


def end(options):
    return StatisticsCollectorParameters(
        statistics_type=StatisticsType(snake(options["statisticsType"])) if "statisticsType" in options else None,
        aggregator_type=AggregatorType(snake(options["aggregatorType"])) if "aggregatorType" in options else None,
        **({"quantile_outlier_prob": options["quantileOutlierProb"]} if "quantileOutlierProb" in options else {}),
    )


def advanced(options):
    """AdvancedQuantizationParameters from this library's options of the same names."""
    from nncf.common.quantization.structs import QuantizationScheme

    result = {}
    for name, value in options.items():
        key = snake(name)
        if name == "overflowFix":
            value = {"enable": nncf.OverflowFix.ENABLE, "firstLayer": nncf.OverflowFix.FIRST_LAYER, "disable": nncf.OverflowFix.DISABLE}[value]
        elif name.endswith("QuantizationParams"):
            given = {snake(k): QuantizationScheme(v) if k == "mode" else v for k, v in value.items()}
            value = QuantizationParameters(**given)
        elif name.endswith("RangeEstimatorParams"):
            value = RangeEstimatorParameters(min=end(value.get("min", {})), max=end(value.get("max", {})))
        elif name == "quantizerPropagationRule":
            value = RULES[value]
        elif name == "biasCorrectionParams":
            value = AdvancedBiasCorrectionParameters(**{snake(k): v for k, v in value.items()})
        elif name == "smoothQuantAlphas":
            value = AdvancedSmoothQuantParameters(**value)
        result[key] = value
    return nncf.AdvancedQuantizationParameters(**result)


def quantize(model, items, options, batch_size):
    """As nncf.quantize for PyTorch, which refuses the target CPU_SPR although its algorithm has it."""
    dataset = nncf.Dataset(Batches(items, batch_size))
    parameters = advanced(options.get("advancedParameters", {}))
    if parameters.batchwise_statistics is None:
        parameters.batchwise_statistics = batch_size > 1
    with contextlib.redirect_stdout(io.StringIO()):
        wrapper = GraphModelWrapper(wrap_model(copy.deepcopy(model)), items[0])
        algorithm = PostTrainingQuantization(
            preset=PRESETS[options["preset"]] if "preset" in options else None,
            target_device=nncf.TargetDevice(options.get("targetDevice", "any").upper()),
            model_type=nncf.ModelType(options["modelType"]) if "modelType" in options else None,
            advanced_parameters=parameters,
        )
        return algorithm.apply(wrapper, wrapper.build_graph(), dataset=dataset).model


def measure(model, items, options, batch_size):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    quantized = quantize(model, items, options, batch_size)
    after = quantized.state_dict()
    modules = dict(quantized.named_modules())
    entries, smooth = [], []
    for state in nncf.torch.get_config(quantized)["compression_state"]:
        hooks = state["hook_names_in_model"]
        module, config = modules[f"__nncf_hooks.{hooks[0]}"], state["module_config"]
        places = [hook.rsplit(".", 1)[0].replace("_hooks.", ":") for hook in hooks]
        if "mode" not in config:
            smooth.append({"hooks": places, "shape": config["scale_shape"], "values": digits(module.scale)})
            continue
        symmetric = config["mode"] == "symmetric"
        entry = {"hooks": places, "mode": config["mode"], "narrow": config["narrow_range"], "bits": config["num_bits"], "shape": config["scale_shape"]}
        if symmetric:
            entry["signed"] = bool(module.signed)
        entry["values"] = [digits(p) for p in ([module.scale] if symmetric else [module.input_low, module.input_range])]
        entries.append(entry)
    changed = [key for key, value in before.items() if not torch.equal(value, after[key])]
    result = {"quantizers": sorted(entries, key=lambda entry: entry["hooks"]), "corrected": {key: digits(after[key]) for key in changed}}
    return {**result, "smooth": smooth} if smooth else result


RANGES = {
    "meanQuantile": {"min": {"statisticsType": "quantile", "aggregatorType": "mean", "quantileOutlierProb": 0.02}, "max": {"statisticsType": "quantile", "aggregatorType": "mean", "quantileOutlierProb": 0.05}},
    "absQuantileMax": {"max": {"statisticsType": "absQuantile", "aggregatorType": "max", "quantileOutlierProb": 0.1}},
    "medianMinMax": {"min": {"aggregatorType": "median"}, "max": {"aggregatorType": "median"}},
    "meanNoOutliers": {"min": {"aggregatorType": "meanNoOutliers", "quantileOutlierProb": 0.1}, "max": {"aggregatorType": "meanNoOutliers", "quantileOutlierProb": 0.1}},
    "medianNoOutliers": {"min": {"aggregatorType": "medianNoOutliers", "quantileOutlierProb": 0.25}, "max": {"aggregatorType": "medianNoOutliers", "quantileOutlierProb": 0.25}},
    "minMax": {"min": {"aggregatorType": "min"}, "max": {"aggregatorType": "max"}},
    "mean": {"min": {"statisticsType": "mean", "aggregatorType": "min"}, "max": {"statisticsType": "mean", "aggregatorType": "max"}},
    "histogram": {"min": {"statisticsType": "raw", "aggregatorType": "histogram"}, "max": {"statisticsType": "raw", "aggregatorType": "histogram"}},
}


def cases():
    """Network and options; the options are this library's."""
    found = []
    add = lambda net, **options: found.append((net, options))
    act, weight = "activationsQuantizationParams", "weightsQuantizationParams"
    for rule in RULES:
        for net in ("residual", "depthwiseBranch", "branches", "concatMixed", "concatTwice", "interpolateBranch", "batchNormBranch", "rawBranch"):
            add(net, advancedParameters={"quantizerPropagationRule": rule})
    for net in ("plain", "branchOutput", "branchFlattened", "concatOutput", "residual", "dropout", "rawBranch", "split", "embeddingSum"):
        add(net, advancedParameters={"quantizeOutputs": True})
    four = {weight: {"numBits": 4}}
    for net in ("residual", "depthwise", "transposed", "twoInputs", "mlp", "concat", "concatTwice", "interpolate", "squeezeExcite", "unet"):
        add(net, targetDevice="npu", advancedParameters=four)
    add("twoInputs", targetDevice="npu", preset="mixed", advancedParameters=four)
    add("residual", targetDevice="npu")
    add("interpolate", targetDevice="gpu")
    # Weights of 4 bits, which only the NPU has; activations of 4 bits, which the average pool does not have there.
    add("plain", targetDevice="gpu", advancedParameters=four)
    add("plain", advancedParameters=four)
    add("batchNorm", targetDevice="npu", advancedParameters={act: {"numBits": 4}, weight: {"numBits": 4}})
    add("depthwise", targetDevice="npu", advancedParameters={weight: {"numBits": 2}})
    add("plain", advancedParameters={act: {"perChannel": True}})
    add("plain", advancedParameters={weight: {"signednessToForce": False}})
    add("plain", advancedParameters={act: {"narrowRange": True}})
    add("plain", advancedParameters={weight: {"mode": "asymmetric"}})
    for preset in PRESETS:
        add("residual", preset=preset, targetDevice="cpu_spr")
        add("residualSame", preset=preset, targetDevice="cpu_spr")
    add("plain", advancedParameters={weight: {"mode": "asymmetric"}, "overflowFix": "disable"})
    add("depthwise", advancedParameters={weight: {"perChannel": False}, act: {"perChannel": False, "mode": "asymmetric"}})
    add("transposed", preset="mixed", advancedParameters={act: {"mode": "symmetric"}, "batchwiseStatistics": False})
    for name, estimator in RANGES.items():
        for preset in PRESETS:
            add("depthwise", preset=preset, advancedParameters={"activationsRangeEstimatorParams": estimator})
    add("plain", preset="mixed", advancedParameters={"activationsRangeEstimatorParams": RANGES["histogram"]})
    add("concat", advancedParameters={"activationsRangeEstimatorParams": RANGES["histogram"]})
    add("branches", advancedParameters={"activationsRangeEstimatorParams": RANGES["meanQuantile"], "batchwiseStatistics": False})
    for name in ("meanQuantile", "absQuantileMax", "mean"):
        add("plain", advancedParameters={"weightsRangeEstimatorParams": RANGES[name], weight: {"perChannel": name != "mean"}})
    add("batchNorm", advancedParameters={"biasCorrectionParams": {"threshold": 0.05}})
    add("batchNorm", advancedParameters={"biasCorrectionParams": {"threshold": 1e6}})
    add("batchNorm", advancedParameters={"disableBiasCorrection": True})
    for net in ("attention", "heads", "transformerMlp", "embedding", "embeddingSum", "embeddingConcat", "twoInputsMatMul", "encoder", "plain", "sharedWeight", "linearBranch"):
        add(net, modelType="transformer")
    add("heads", modelType="transformer", preset="performance", targetDevice="cpu_spr")
    add("transformerMlp", modelType="transformer", advancedParameters={"smoothQuantAlphas": {"matmul": 0.5}})
    add("plain", modelType="transformer", advancedParameters={"smoothQuantAlphas": {"convolution": 0.15, "matmul": -1}})
    add("heads", modelType="transformer", advancedParameters={"smoothQuantAlphas": {"matmul": -1}})
    for preset in PRESETS:
        add("embeddingConcat", preset=preset)
    return found


def main(names):
    data = calibration(torch.Generator().manual_seed(1))
    tensors, entries, seeds = {}, [], {}
    for net, options in cases():
        if names and net not in names:
            continue
        model, inputs, _ = build(net)
        randomize(model, torch.Generator().manual_seed(seeds.setdefault(net, 1000 + len(seeds))))
        model.eval()
        tensors.update({f"{net}.{key}": value.clone() for key, value in model.state_dict().items() if value.is_floating_point()})
        items = []
        for index in range(SAMPLES):
            item = [data[kind][(index + 2 * position) % SAMPLES] for position, kind in enumerate(inputs)]
            items.append(item[0] if len(item) == 1 else tuple(item))
        entry = {"net": net, "inputs": inputs, "options": options}
        try:
            entry.update(measure(model, items, options, 2 if inputs[0] in ("image", "vector") else 1))
        except Exception as error:  # noqa: BLE001
            entry["error"] = f"{type(error).__name__}: {' '.join(str(error).split())}"
        entries.append(entry)
        print(net, json.dumps(options), len(entry.get("quantizers", [])) or entry["error"], file=sys.stderr)
        if names:
            print(json.dumps(entry))
    if names:
        return
    tensors.update({f"data.{key}": value.to(torch.int32) if key == "ids" else value for key, value in data.items()})
    versions = {"torch": torch.__version__, "nncf": nncf.__version__}
    with open(FOLDER / "options.json", "w") as file:
        json.dump({"versions": versions, "cases": entries}, file, separators=(",", ":"))
        file.write("\n")
    save_file(tensors, FOLDER / "options.safetensors")


if __name__ == "__main__":
    main(sys.argv[1:])
