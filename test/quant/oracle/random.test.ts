/** Where NNCF puts the quantizers of random networks, and which of them share a scale. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import { placementName, placeQuantizers } from '../../../src/quant/placement/placement.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { zeros } from '../../../src/tensor/create.js';
import { type Program, RandomNet } from '../placement/randomNet.js';
import { placeOf, type ReferenceQuantizer } from './fixture.js';

interface Entry {
  readonly program: Program;
  readonly quantizers: readonly ReferenceQuantizer[];
}

const entries = JSON.parse(readFileSync(new URL('./fixtures/random.json', import.meta.url), 'utf8')) as Entry[];

it.each(entries.map(({ program, quantizers }, index) => [index, program, quantizers] as const))(
  'network %i',
  (_, program, quantizers) => {
    const graph = copyGraph(trace(new RandomNet(program), [zeros([2, 4, 6, 6])]).graph);
    const { weights, activations } = placeQuantizers(graph, {
      ...{ target: CPU_TARGET, ignored: new Set(), activationMode: 'symmetric', bits: { weights: 8, activations: 8 } },
    });
    const kind = (narrow: boolean, perChannel: boolean): string =>
      `${narrow ? 'weights' : 'activations'}${perChannel ? ' per channel' : ''}`;
    const own = [...weights, ...activations].map((placement) => {
      const { narrowRange, perChannel } = placement.config;
      return `${placementName(placement)} ${kind(narrowRange, perChannel)}`;
    });
    const placesOf = ({ hooks, narrow }: ReferenceQuantizer): string[] =>
      hooks.map((hook) => placeOf(graph, hook).replace(/fq_(\d)$/, narrow ? 'fq_weights_$1' : 'fq_input_$1'));
    const theirs = quantizers.flatMap((quantizer) =>
      placesOf(quantizer).map((place) => `${place} ${kind(quantizer.narrow, quantizer.shape.length > 1)}`),
    );
    expect(own.sort()).toEqual(theirs.sort());
    const groupOf = new Map(activations.map((placement) => [placementName(placement), placement.group]));
    for (const places of quantizers.map(placesOf).filter(({ length }) => length > 1)) {
      const groups = new Set(places.map((place) => groupOf.get(place)));
      expect(groups.size, places.join()).toBe(1);
      expect(groups).not.toContain(null);
    }
  },
);
