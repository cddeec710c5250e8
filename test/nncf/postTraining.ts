/**
 * Quantization after training: each network is written as float IR; NNCF quantizes the file with its OpenVINO backend,
 * this library the model read back from it, so that the names of nodes are the same.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readModel, saveModel } from '../../src/ir/index.js';
import { type QuantizeOptions, quantize } from '../../src/quant/index.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { type BiasFacts, compareModels } from './compare.js';
import { biasAdditions, biasesOf, biasScales, describeModel, type ModelDescription, tieSteps } from './description.js';
import { compareWithFloat64 } from './float64.js';
import type { Variant } from './networks.js';
import { runPython } from './python.js';
import type { NetworkComparison, Results } from './results.js';
import type { Subject } from './subjects.js';

const OPTIONS: Readonly<Record<Variant, QuantizeOptions>> = {
  performance: { preset: 'performance' },
  mixed: { preset: 'mixed' },
  transformer: { modelType: 'transformer' },
  // With the overflow fix, weights that both sides round differently would change the data of all layers behind.
  fullCorrection: { preset: 'performance', fastBiasCorrection: false, overflowFix: 'disable' },
};

/** For quantize.py. */
interface Case {
  readonly name: string;
  readonly variant: Variant;
  readonly xml: string;
  readonly items: string;
  readonly shape: readonly number[];
  /** Whether ranges of channels are computed in float64 too. */
  readonly inFloat64: boolean;
  /** This library's file, the codes that its weights must have, and which layers they are of. */
  readonly own?: string;
  readonly codes?: string;
  readonly weights?: readonly { readonly node: string; readonly port: number; readonly size: number }[];
}

interface Own {
  readonly subject: Subject;
  readonly model: ModelDescription;
  readonly facts: BiasFacts;
}

interface Report {
  readonly name: string;
  readonly error?: string;
  readonly model?: ModelDescription;
  /** Layers with weights, and which of them OpenVINO computes in INT8 in NNCF's model. */
  readonly layers?: number;
  readonly int8?: readonly string[];
  /** Upper ends of ranges of channels, computed in float64, by the name of the quantizer. */
  readonly float64?: Readonly<Record<string, readonly number[]>>;
  readonly own?: { readonly faults: readonly string[]; readonly int8: readonly string[] };
}

/** Name of its files. */
const stem = (name: string): string => name.replaceAll('-', 'minus').replace(/[^A-Za-z0-9]+/g, '_');

/** Writes a model and its calibration items. */
async function writeSubject(folder: string, { name, make }: Subject): Promise<readonly Tensor[]> {
  const { model, items } = make();
  await saveModel(model, join(folder, `${stem(name)}.xml`), { inputs: [items[0]] });
  const [{ size }] = items;
  const values = new Float32Array(items.length * size);
  for (const [index, item] of items.entries()) values.set(item.dataSync(), index * size);
  writeFileSync(join(folder, `${stem(name)}.items`), values);
  return items;
}

/** The codes that each weight has in a forward pass, one after the other. */
function writeCodes(path: string, model: QuantizedModel): NonNullable<Case['weights']> {
  const quantizers = model.quantizers.filter(({ spec }) => spec.kind === 'weights');
  const codes = quantizers.map((quantizer) =>
    Int16Array.from(quantizer.quantize(model.graph.node(quantizer.name).inputs[0].node.constant.tensor).dataSync()),
  );
  writeFileSync(path, Buffer.concat(codes.map((values) => Buffer.from(values.buffer))));
  return quantizers.map(({ target: { node, port } }, index) => ({ node, port, size: codes[index].length }));
}

/** Quantizes the model of a file; writes the result too, if OpenVINO is to run it. */
async function quantizeOwn(
  folder: string,
  subject: Subject,
  variant: Variant,
  items: readonly Tensor[],
): Promise<{ own: Own; case: Case }> {
  const file = stem(subject.name);
  const imported = await readModel(join(folder, `${file}.xml`));
  const quantized = await quantize(imported, items, { ...OPTIONS[variant], subsetSize: items.length });
  const inFloat64 = subject.inFloat64 && variant === 'performance';
  const base = { variant, xml: `${file}.xml`, items: `${file}.items`, shape: subject.shape, inFloat64 };
  const description: Case = { name: title(subject, variant), ...base };
  const own: Own = {
    subject,
    model: describeModel(quantized),
    facts: {
      before: biasesOf(imported.graph),
      layers: new Map(biasAdditions(imported.graph).map((addition) => [addition.name, addition])),
      scales: biasScales(imported.graph, items[0]),
      ties: tieSteps(quantized),
      full: variant === 'fullCorrection',
    },
  };
  if (!subject.runs) return { own, case: description };
  const written = `${file}.${variant}.own`;
  await saveModel(quantized, join(folder, `${written}.xml`));
  const weights = writeCodes(join(folder, `${written}.codes`), quantized);
  return { own, case: { ...description, own: `${written}.xml`, codes: `${written}.codes`, weights } };
}

const title = ({ name }: Subject, variant: Variant): string => `${name}, ${variant}`;

function judge(results: Results, { subject, model, facts }: Own, variant: Variant, report: Report): void {
  const place = title(subject, variant);
  const comparison = compareModels(model, report.model as ModelDescription, facts);
  results.check(`${place}: places and kinds of quantizers`, comparison.placement);
  results.check(`${place}: ranges and biases`, comparison.values);
  if (report.float64) compareWithFloat64(results, place, model, report.model as ModelDescription, report.float64);
  const { totals } = subject;
  if (variant === 'performance' && totals) {
    const { quantizers, weights, channelActivations } = comparison;
    const own = JSON.stringify({ all: quantizers, weights, channelActivations });
    results.check(`${place}: known totals`, own === JSON.stringify(totals) ? [] : [own]);
  }
  let int8: NetworkComparison['int8'] = null;
  if (report.own && report.int8) {
    results.check(`${place}: codes in the file`, report.own.faults);
    const own = new Set(report.own.int8);
    const slow = report.int8.filter((layer) => !own.has(layer));
    results.check(
      `${place}: layers in INT8`,
      slow.map((layer) => `${layer} runs in INT8 in NNCF's model only`),
    );
    int8 = { own: own.size, nncf: report.int8.length, layers: report.layers ?? 0 };
  }
  results.addComparison({ name: subject.name, variant, edge: !subject.runs, int8, ...comparison });
}

/**
 * Compares what both make of models.
 * @param section Section for all results. Default: one for each subject.
 */
export async function comparePostTraining(
  folder: string,
  subjects: readonly Subject[],
  results: Results,
  section?: string,
): Promise<void> {
  const cases: Case[] = [];
  const own = new Map<string, Own>();
  for (const subject of subjects) {
    results.begin(section ?? subject.name);
    const items = await writeSubject(folder, subject);
    for (const variant of subject.variants) {
      const place = title(subject, variant);
      try {
        const made = await quantizeOwn(folder, subject, variant, items);
        own.set(place, made.own);
        cases.push(made.case);
      } catch (error) {
        results.check(place, [error instanceof Error ? error.message : String(error)]);
      }
    }
    console.log(`Quantized ${subject.name}.`);
  }
  const reports = new Map((runPython('quantize.py', folder, cases) as Report[]).map((report) => [report.name, report]));
  for (const { name, variant } of cases) {
    const report = reports.get(name);
    const ours = own.get(name);
    if (!ours) continue;
    results.begin(section ?? ours.subject.name);
    if (report?.model) judge(results, ours, variant, report);
    if (!report?.model || report.error) results.check(name, [report?.error ?? 'NNCF gave no result']);
  }
}
