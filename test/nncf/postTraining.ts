/**
 * Quantization after training: each network is written as float IR; NNCF quantizes the file with its OpenVINO backend,
 * this library the model read back from it, so that the names of nodes are the same.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel, saveModel } from '../../src/ir/index.js';
import { type QuantizeOptions, quantize } from '../../src/quant/index.js';
import { Generator, manualSeed } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type BiasFacts, compareModels, type ModelComparison } from './compare.js';
import { biasAdditions, biasesOf, biasScales, describeModel, type ModelDescription, tieSteps } from './description.js';
import { NETWORKS, type Network, type Variant } from './networks.js';
import { runPython } from './python.js';
import type { Results } from './results.js';
import { calibrationItem, randomizeWeights } from './weights.js';

const ITEMS = 32;

const OPTIONS: Readonly<Record<Variant, QuantizeOptions>> = {
  performance: { preset: 'performance' },
  mixed: { preset: 'mixed' },
  transformer: { modelType: 'transformer' },
};

/** For quantize.py. */
interface Case {
  readonly name: string;
  readonly variant: Variant;
  readonly xml: string;
  readonly items: string;
  readonly shape: readonly number[];
}

interface Own {
  readonly model: ModelDescription;
  readonly facts: BiasFacts;
}

interface Report {
  readonly name: string;
  readonly error?: string;
  readonly model?: ModelDescription;
}

/** Writes a network and its calibration items. */
async function writeNetwork(folder: string, name: string, { make, shape }: Network): Promise<Tensor[]> {
  manualSeed(1);
  const generator = new Generator(7);
  const model = make();
  randomizeWeights(model, shape, generator);
  const items = Array.from({ length: ITEMS }, () => calibrationItem(shape, generator));
  await saveModel(model, join(folder, `${name}.xml`), { inputs: [items[0]] });
  const [{ size }] = items;
  const values = new Float32Array(ITEMS * size);
  for (const [index, item] of items.entries()) values.set(item.dataSync(), index * size);
  writeFileSync(join(folder, `${name}.items`), values);
  return items;
}

async function quantizeOwn(path: string, items: readonly Tensor[], options: QuantizeOptions): Promise<Own> {
  const imported = await readModel(path);
  const quantized = await quantize(imported, items, options);
  return {
    model: describeModel(quantized),
    facts: {
      before: biasesOf(imported.graph),
      layers: new Map(biasAdditions(imported.graph).map((addition) => [addition.name, addition])),
      scales: biasScales(imported.graph, items[0]),
      ties: tieSteps(quantized),
    },
  };
}

const title = (name: string, variant: Variant): string => `${name}, ${variant}`;

function judge(results: Results, name: string, variant: Variant, comparison: ModelComparison): void {
  const place = title(name, variant);
  results.check(`${place}: places and kinds of quantizers`, comparison.placement);
  results.check(`${place}: ranges and biases`, comparison.values);
  const { totals } = NETWORKS[name];
  if (variant === 'performance' && totals) {
    const { quantizers, weights, channelActivations } = comparison;
    const own = { all: quantizers, weights, channelActivations };
    const wrong = JSON.stringify(own) === JSON.stringify(totals) ? [] : [`${JSON.stringify(own)}`];
    results.check(`${place}: known totals`, wrong);
  }
  results.comparisons.push({ name, variant, ...comparison });
}

/** Compares the networks of these names. */
export async function comparePostTraining(folder: string, names: readonly string[], results: Results): Promise<void> {
  const cases: Case[] = [];
  const own = new Map<string, Own>();
  for (const name of names) {
    const network = NETWORKS[name];
    const items = await writeNetwork(folder, name, network);
    for (const variant of network.variants) {
      try {
        own.set(title(name, variant), await quantizeOwn(join(folder, `${name}.xml`), items, OPTIONS[variant]));
        cases.push({
          name: title(name, variant),
          variant,
          xml: `${name}.xml`,
          items: `${name}.items`,
          shape: network.shape,
        });
      } catch (error) {
        results.check(title(name, variant), [error instanceof Error ? error.message : String(error)]);
      }
    }
    console.log(`Quantized ${name}.`);
  }
  const reports = new Map<string, Report>();
  for (const line of runPython('quantize.py', folder, cases)) {
    const report = line as Report;
    reports.set(report.name, report);
  }
  for (const { name: place, variant, xml } of cases) {
    const report = reports.get(place);
    const ours = own.get(place);
    if (!report?.model || !ours) results.check(place, [report?.error ?? 'NNCF gave no result']);
    else judge(results, xml.replace('.xml', ''), variant, compareModels(ours.model, report.model, ours.facts));
  }
}
