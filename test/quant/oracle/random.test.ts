/** Where NNCF puts the quantizers of random networks, and which of them share a scale; by default and with other options. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import { type QuantizeOptions, resolveOptions } from '../../../src/quant/options.js';
import { placementName, placeQuantizers } from '../../../src/quant/placement/placement.js';
import type { QuantizerConfig } from '../../../src/quant/spec.js';
import { zeros } from '../../../src/tensor/create.js';
import { type Program, RandomNet } from '../placement/randomNet.js';
import { placeOf, type ReferenceQuantizer } from './fixture.js';

interface Entry {
  readonly program: Program;
  readonly quantizers: readonly ReferenceQuantizer[];
}

const entries = JSON.parse(readFileSync(new URL('./fixtures/random.json', import.meta.url), 'utf8')) as Entry[];

/** The same networks with other options. */
interface OptionEntry {
  readonly network: number;
  readonly options: QuantizeOptions;
  readonly quantizers: readonly ReferenceQuantizer[];
}

const optionEntries = JSON.parse(
  readFileSync(new URL('./fixtures/randomOptions.json', import.meta.url), 'utf8'),
) as OptionEntry[];

function compare(program: Program, given: QuantizeOptions, quantizers: readonly ReferenceQuantizer[]): void {
  const graph = copyGraph(trace(new RandomNet(program), [zeros([2, 4, 6, 6])]).graph);
  const { record, target, constraints, widths, rule, quantizeOutputs, transformer } = resolveOptions(given);
  const { weights, activations } = placeQuantizers(graph, {
    ...{ target, constraints, rule, quantizeOutputs, transformer, bits: widths, ignored: new Set() },
    activationMode: record.preset === 'mixed' ? 'asymmetric' : 'symmetric',
  });
  const kind = (isWeights: boolean, { mode, bits, perChannel, narrowRange }: QuantizerConfig): string =>
    `${isWeights ? 'weights' : 'activations'} ${mode} ${bits}${perChannel ? ' per channel' : ''}${narrowRange ? ' narrow' : ''}`;
  const own = [...weights, ...activations].map(
    (placement) => `${placementName(placement)} ${kind('weights' in placement, placement.config)}`,
  );
  const placesOf = (hooks: readonly string[]): string[] =>
    hooks.map((hook) => {
      const place = placeOf(graph, hook);
      const [, node, port] = place.match(/^(.*)\/fq_(\d+)$/) ?? [];
      if (!node) return place;
      const isWeights = weights.some(({ target: at }) => at.node === node && String(at.port) === port);
      return `${node}/fq_${isWeights ? 'weights' : 'input'}_${port}`;
    });
  const theirs = quantizers.flatMap(({ hooks, mode, bits = 8, narrow, shape }) =>
    placesOf(hooks).map((place) => {
      const config = { mode, bits, narrowRange: narrow, perChannel: shape.length > 1 };
      return `${place} ${kind(place.includes('/fq_weights_'), config)}`;
    }),
  );
  expect(own.sort()).toEqual(theirs.sort());
  const groupOf = new Map(activations.map((placement) => [placementName(placement), placement.group]));
  for (const { hooks } of quantizers.filter((quantizer) => quantizer.hooks.length > 1)) {
    const groups = new Set(placesOf(hooks).map((place) => groupOf.get(place)));
    expect(groups.size, hooks.join()).toBe(1);
    expect(groups).not.toContain(null);
  }
}

it.each(entries.map(({ program, quantizers }, index) => [index, program, quantizers] as const))(
  'network %i',
  (_, program, quantizers) => compare(program, {}, quantizers),
);

/**
 * For this target NNCF finds quantizers by the name of their operation, and takes that of a convolution's weights for
 * that of its output where it has no bias; in these networks it leaves out another quantizer than it means to.
 */
const CONFUSED = [31, 39];
const compared = optionEntries.filter(
  ({ network, options }) => options.targetDevice !== 'cpu_spr' || !CONFUSED.includes(network),
);

it.each(compared.map((entry) => [entry.network, JSON.stringify(entry.options), entry] as const))(
  'network %i, %s',
  (network, _, { options, quantizers }) => compare(entries[network].program, options, quantizers),
);
