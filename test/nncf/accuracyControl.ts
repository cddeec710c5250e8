/**
 * Quantization with accuracy control on small networks, whose channels differ so much that quantization hurts: groups of
 * quantizers, the score of each, and what is brought back to float. NNCF scores models in OpenVINO, whose sums of codes
 * saturate on some processors and change scores; so NNCF's part is run with all models in float32, and once without.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { noGrad } from '../../src/autograd/gradMode.js';
import { saveModel } from '../../src/ir/index.js';
import type { Module } from '../../src/nn/module.js';
import { quantizerGroups } from '../../src/quant/accuracy/groups.js';
import {
  type AccuracyControlResult,
  type QuantizeOptions,
  quantize,
  quantizeWithAccuracyControl,
} from '../../src/quant/index.js';
import { fromValues, randn } from '../../src/tensor/create.js';
import { Generator } from '../../src/tensor/random.js';
import type { Tensor } from '../../src/tensor/tensor.js';
import { groupNets } from '../quant/accuracy/oracle/nets.js';
import { runPython } from './python.js';
import type { Results } from './results.js';

const SHAPE = [1, 2, 6, 6];
const ITEMS = 12;
const CALIBRATION = 6;
const RANKING_SUBSET = 5;
const MAX_DROPS = [0.006, 0.003, 0.001];
/** Alternating sizes of channels, which a range per tensor serves badly. */
const CHANNELS = [3, 0.15];
/** What both quantize alike: rounding ties of halved weights and fast correction of depthwise layers' biases differ. */
const OPTIONS: QuantizeOptions = { overflowFix: 'disable', fastBiasCorrection: false };
/** A score may differ by this share of the drop that quantization causes. */
const SCORE_BOUND = 1e-4;

/** What both sides find on a network. */
interface Scored {
  /** In the order in which they are ranked; each group's quantizers by name. */
  readonly groups: readonly { readonly quantizers: readonly string[]; readonly score: number }[];
  readonly runs: readonly Run[];
}

/** Of one largest drop. */
interface Run {
  readonly metric: number;
  readonly reverted: readonly (readonly string[])[];
}

interface OwnScores extends Scored {
  /** What quantization costs in the metric. */
  readonly drop: number;
}

/** Of accuracy_control.py. */
interface Report {
  readonly name: string;
  readonly float32: Scored;
  readonly asDeployed: Scored;
}

interface Item {
  readonly x: Tensor;
  readonly reference: ArrayLike<number>;
}

const outputOf = (model: Module, x: Tensor): ArrayLike<number> => {
  const output = noGrad(() => model.forward(x)) as Tensor | readonly Tensor[];
  return (Array.isArray(output) ? output[0] : (output as Tensor)).dataSync();
};

function spreadChannels(model: Module): void {
  for (const [name, parameter] of model.namedParameters()) {
    if (!name.endsWith('weight') || parameter.shape.length !== 4) continue;
    const inner = parameter.size / parameter.shape[0];
    const values = Float32Array.from(
      parameter.dataSync(),
      (value, index) => value * CHANNELS[Math.floor(index / inner) % CHANNELS.length],
    );
    noGrad(() => parameter.assign_(fromValues(values, parameter.shape, 'float32')));
  }
}

/** Minus the mean relative error of the first output, against the float model's. */
async function metric(model: Module, items: AsyncIterable<Item>): Promise<{ metric: number; values: number[] }> {
  const values: number[] = [];
  for await (const { x, reference } of items) {
    const output = outputOf(model, x);
    let [error, size] = [0, 0];
    for (let index = 0; index < output.length; index++) {
      error += (output[index] - reference[index]) ** 2;
      size += reference[index] ** 2;
    }
    values.push(-Math.sqrt(error / size));
  }
  return { metric: values.reduce((sum, value) => sum + value, 0) / values.length, values };
}

/** What this library makes of a network. */
async function scoreOwn(net: Module, items: readonly Item[]): Promise<OwnScores> {
  const calibration = items.slice(0, CALIBRATION).map(({ x }) => x);
  const names = quantizerGroups((await quantize(net, calibration, OPTIONS)).graph).map(({ quantizers }) =>
    quantizers.map(({ name }) => name).sort(),
  );
  const scores: number[] = [];
  const results: AccuracyControlResult<Module>[] = [];
  for (const maxDrop of MAX_DROPS) {
    results.push(
      await quantizeWithAccuracyControl(net, calibration, items, metric, {
        ...OPTIONS,
        maxDrop,
        rankingSubsetSize: RANKING_SUBSET,
        onAccuracyProgress: ({ stage, metric: score }) => {
          if (stage === 'rank' && scores.length < names.length) scores.push(score ?? Number.NaN);
        },
      }),
    );
  }
  return {
    drop: results[0].floatMetric - results[0].quantizedMetric,
    groups: names.map((quantizers, index) => ({ quantizers, score: scores[index] })),
    runs: results.map((result) => ({
      metric: result.metric,
      reverted: result.reverted.map(({ quantizers }) => [...quantizers].sort()),
    })),
  };
}

const asText = (groups: Run['reverted']): string => JSON.stringify(groups);

const largestDifference = (own: Scored, theirs: Scored): number =>
  Math.max(...own.groups.map(({ score }, index) => Math.abs(score - theirs.groups[index].score)));

function judge(results: Results, name: string, own: OwnScores, { float32, asDeployed }: Report): void {
  const groupsOf = ({ groups }: Scored): string => asText(groups.map(({ quantizers }) => quantizers));
  const same = groupsOf(own) === groupsOf(float32);
  results.check(`accuracy control, ${name}: groups`, same ? [] : [`${groupsOf(own)}, NNCF ${groupsOf(float32)}`]);
  if (!same) return;
  const { drop } = own;
  const score = largestDifference(own, float32) / drop;
  results.check(`accuracy control, ${name}: scores`, score <= SCORE_BOUND ? [] : [`differ by ${score} of the drop`]);
  const equal = own.runs.filter((run, index) => asText(run.reverted) === asText(float32.runs[index].reverted)).length;
  const differences = own.runs.flatMap((run, index) => {
    const theirs = float32.runs[index];
    return asText(run.reverted) === asText(theirs.reverted)
      ? []
      : [
          `drop ${MAX_DROPS[index]}: ${asText(run.reverted)} (${run.metric}), NNCF ${asText(theirs.reverted)} (${theirs.metric})`,
        ];
  });
  results.check(`accuracy control, ${name}: groups brought back`, differences);
  const percent = (share: number): string => `${Number((100 * share).toPrecision(2))}%`;
  results.note({
    what: `Accuracy control of a network (${name}): scores of ${own.groups.length} groups, and groups brought back for drops of ${MAX_DROPS.join(', ')}`,
    bound: `${percent(SCORE_BOUND)} of the drop that quantization causes; the same groups in the same order`,
    result: [
      `scores differ by ${percent(score)}, groups are the same for ${equal} of ${own.runs.length} drops`,
      `as OpenVINO computes here, NNCF's scores differ from its own in float32 by ${percent(largestDifference(asDeployed, float32) / drop)}`,
    ].join('; '),
  });
}

export async function compareAccuracyControl(folder: string, results: Results): Promise<void> {
  const own = new Map<string, OwnScores>();
  const cases: unknown[] = [];
  for (const [name, net] of Object.entries(groupNets())) {
    net.eval();
    spreadChannels(net);
    const generator = new Generator(11);
    const items = Array.from({ length: ITEMS }, () => {
      const x = randn(SHAPE, { generator });
      return { x, reference: outputOf(net, x) };
    });
    await saveModel(net, join(folder, `${name}.xml`), { inputs: [items[0].x] });
    const values = (list: readonly ArrayLike<number>[]): Buffer =>
      Buffer.concat(list.map((each) => Buffer.from(Float32Array.from(each).buffer)));
    writeFileSync(join(folder, `${name}.items`), values(items.map(({ x }) => x.dataSync())));
    writeFileSync(join(folder, `${name}.references`), values(items.map(({ reference }) => reference)));
    cases.push({
      ...{ name, xml: `${name}.xml`, items: `${name}.items`, references: `${name}.references`, shape: SHAPE },
      ...{ calibration: CALIBRATION, rankingSubset: RANKING_SUBSET, maxDrops: MAX_DROPS },
    });
    own.set(name, await scoreOwn(net, items));
  }
  const reports = new Map(
    (runPython('accuracy_control.py', folder, cases) as Report[]).map((each) => [each.name, each]),
  );
  for (const [name, scored] of own) {
    const report = reports.get(name);
    if (report) judge(results, name, scored, report);
    else results.check(`accuracy control, ${name}`, ['NNCF gave no result']);
  }
}
