/** Switching quantizers and their gradients: planned execution follows at once, and checkpoints and configurations keep it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { noGrad } from '../../src/autograd/gradMode.js';
import { deserializeCheckpoint, serializeCheckpoint } from '../../src/checkpoint/checkpoint.js';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { crossEntropy } from '../../src/ops/loss/crossEntropy.js';
import { getConfig, loadFromConfig } from '../../src/quant/config.js';
import { quantize } from '../../src/quant/quantize.js';
import type { QuantizedModel } from '../../src/quant/quantizedModel.js';
import { withBackend } from '../../src/tensor/backend.js';
import { tensor } from '../../src/tensor/create.js';
import { manualSeed } from '../../src/tensor/random.js';
import { images, SmallNet, valuesOf, warmedUp } from './models.js';

const NAME = 'conv/Convolution/fq_weights_1';

describe('planned execution', () => {
  const wasm = WasmBackend.create();
  let model: QuantizedModel<SmallNet>;
  const onWasm = <T>(body: () => T): T => withBackend(wasm, body);
  const [x] = onWasm(() => images(1));
  const labels = onWasm(() => tensor([0, 3], { dtype: 'int32' }));

  beforeEach(async () => {
    manualSeed(1);
    const float = onWasm(() => new SmallNet());
    noGrad(() => {
      for (let step = 0; step < 20; step++) float.forward(x);
    });
    model = (await quantize(float.eval(), [x])).eval();
  });

  /** Outputs and gradients of all parameters. */
  function run(planned: boolean): { output: number[]; gradients: (number[] | null)[] } {
    model.planned = planned;
    model.zeroGrad();
    const output = model.forward(x);
    crossEntropy(output, labels).backward();
    return {
      output: valuesOf(output),
      gradients: model.parameters().map(({ grad }) => (grad ? valuesOf(grad) : null)),
    };
  }

  const changes: Record<string, (target: QuantizedModel) => void> = {
    'one quantizer off': (target) => target.quantizer(NAME).disable(),
    'all quantizers off': (target) => target.disableQuantization(),
    'all on again': (target) => target.disableQuantization().enableQuantization(),
    'exact gradients of the ranges': (target) => target.useRangeGradient('exact'),
    'a range that does not train': (target) => target.quantizer(NAME).disableGradients(),
    'ranges that do not train': (target) => target.disableGradients(),
  };
  it.each(Object.keys(changes))('follows: %s', (name) => {
    run(true);
    changes[name](model);
    // Twice, so that the second run uses the plan of the first.
    const planned = [run(true), run(true)];
    const eager = run(false);
    expect(planned).toEqual([eager, eager]);
  });

  it('shows the difference that each change makes', () => {
    const before = run(true);
    model.useRangeGradient('exact');
    const exact = run(true);
    expect(exact.output).toEqual(before.output);
    expect(exact.gradients).not.toEqual(before.gradients);
    model.disableQuantization();
    expect(run(true).output).not.toEqual(before.output);
    model.disableGradients();
    expect(model.rangeParameters().every(({ grad }) => grad !== null)).toBe(false);
    expect(model.useRangeGradient('nncf').enableGradients().enableQuantization()).toBe(model);
    expect(run(true)).toEqual(before);
  });
});

describe('what was switched', () => {
  let model: QuantizedModel<SmallNet>;
  beforeEach(async () => {
    manualSeed(1);
    model = await quantize(warmedUp(), images(2));
    model.useRangeGradient('exact');
    model.quantizer('relu/ReLU/fq_output_0').rangeGradient = 'nncf';
    model.quantizer(NAME).disable();
    model.quantizer('fc/MatMul/fq_weights_1').disableGradients();
  });

  const switches = (target: QuantizedModel): unknown[] =>
    target.quantizers.map(({ name, enabled, rangeGradient, parameters }) => [
      ...[name, enabled, rangeGradient],
      parameters.map(({ requiresGrad }) => requiresGrad),
    ]);

  it('is in a checkpoint, restored on a float model and on a quantized one', async () => {
    const bytes = await serializeCheckpoint({ model });
    const expected = switches(model);
    expect(switches(deserializeCheckpoint(bytes, { model: new SmallNet() }).model as QuantizedModel)).toEqual(expected);
    model.enableQuantization().enableGradients().useRangeGradient('nncf');
    expect(switches(model)).not.toEqual(expected);
    expect(switches(deserializeCheckpoint(bytes, { model }).model)).toEqual(expected);
  });

  it('stays as it was when a checkpoint cannot be restored', async () => {
    const bytes = await serializeCheckpoint({ model, extra: 1 });
    model.enableQuantization().useRangeGradient('nncf');
    const before = switches(model);
    expect(() =>
      deserializeCheckpoint(bytes, { model, absent: { loadStateDict: () => {}, stateDict: () => 0 } }),
    ).toThrow();
    expect(() => deserializeCheckpoint(bytes, { model, extra: 5 as never })).toThrow(/cannot be restored/);
    expect(switches(model)).toEqual(before);
  });

  it('is in the configuration', () => {
    const config = JSON.parse(JSON.stringify(getConfig(model)));
    const rebuilt = loadFromConfig(new SmallNet(), config);
    expect(rebuilt.quantizer(NAME).enabled).toBe(false);
    expect(rebuilt.quantizers.map(({ rangeGradient }) => rangeGradient)).toEqual(
      model.quantizers.map(({ rangeGradient }) => rangeGradient),
    );
    config.quantizers[0].rangeGradient = 'half';
    expect(() => loadFromConfig(new SmallNet(), config)).toThrow(/quantizers\[0\]\.rangeGradient is "half"/);
  });

  it('is refused where it is not known', () => {
    expect(() => model.useRangeGradient('half' as 'nncf')).toThrow(/'nncf' or 'exact'/);
  });

  it('belongs to quantizers that are found by name and in order', () => {
    expect([...model.namedQuantizers()].map(([name]) => name)).toEqual(model.quantizers.map(({ name }) => name));
    for (const [name, quantizer] of model.namedQuantizers())
      expect(model.quantizer(name).target).toBe(quantizer.target);
  });
});
