/** Where NNCF puts the quantizers of ResNet-18, ResNet-20 and MobileNetV2. Signs and ranges depend on data and are not compared. */
import { describe, expect, it } from 'vitest';
import { copyGraph } from '../../../src/graph/graphModule.js';
import { trace } from '../../../src/graph/trace.js';
import { placementName, placeQuantizers } from '../../../src/quant/placement/placement.js';
import { CPU_TARGET } from '../../../src/quant/targets/cpu.js';
import { zeros } from '../../../src/tensor/create.js';
import { PLACEMENTS, type Preset, placeOf } from './fixture.js';
import { LARGE } from './large.js';

/** Numbers of quantizers; those of the first and the last are also in NNCF's own tests. */
const COUNTS: Readonly<Record<string, number>> = { resnet18: 51, resnet20: 54, mobilenetV2: 117 };

describe.each(['performance', 'mixed'] as Preset[])('preset %s', (preset) => {
  it.each(Object.entries(LARGE))('%s', (name, [make, shape]) => {
    const graph = copyGraph(trace(make(), [zeros(shape)]).graph);
    const { weights, activations } = placeQuantizers(graph, {
      target: CPU_TARGET,
      ignored: new Set(),
      activationMode: preset === 'mixed' ? 'asymmetric' : 'symmetric',
      bits: { weights: 8, activations: 8 },
    });
    const describeKind = (mode: string, narrow: boolean, perChannel: boolean): string =>
      `${mode}${narrow ? ' narrow' : ''}${perChannel ? ' per channel' : ''}`;
    const own = [...weights, ...activations].map((placement) => {
      const { mode, narrowRange, perChannel } = placement.config;
      return `${placementName(placement)} ${describeKind(mode, narrowRange, perChannel)}`;
    });
    const expected = PLACEMENTS.large[name][preset].quantizers.flatMap(({ hooks, mode, narrow, shape: scale }) =>
      hooks.map(
        (hook) =>
          `${placeOf(graph, hook).replace(/fq_1$/, 'fq_weights_1')} ${describeKind(mode, narrow, scale.length > 1)}`,
      ),
    );
    expect(own.length).toBe(COUNTS[name]);
    expect(own.sort()).toEqual(expected.sort());
  });
});
