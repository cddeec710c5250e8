/** Planned execution gives what call-by-call execution gives: the same bits on WebAssembly, the same values as the reference. */
import { describe, expect, it } from 'vitest';
import { WasmBackend } from '../../src/kernels/wasm/backend.js';
import { PLAN_CASES } from './planCases.js';
import {
  callByCall,
  expectClose,
  inference,
  losses,
  type OptimizerName,
  observe,
  planned,
  reference,
} from './planTools.js';

/** In quantized models a last bit can move a value to the next step of a grid, so single gradients differ. */
const TOLERANCE = { float: 2e-4, quantized: 0.1 };

const kindsOf = (quantizable = true): readonly ('float' | 'quantized')[] =>
  quantizable ? ['float', 'quantized'] : ['float'];

for (const [name, each] of Object.entries(PLAN_CASES)) {
  describe(name, () => {
    for (const kind of kindsOf(each.quantizable)) {
      it(`${kind}: outputs, gradients, state and random numbers are those of call-by-call execution`, async () => {
        const found = await observe(each, kind, planned);
        const wanted = await observe(each, kind, callByCall);
        expect(found[0]).toEqual(wanted[0]);
        if (each.repeats) expectClose(found[1], wanted[1], 1e-6);
        else expect(found[1]).toEqual(wanted[1]);
        if (kind === 'float') expectClose(found, await observe(each, kind, reference), TOLERANCE.float);
      });

      it(`${kind}: so are outputs without gradients`, async () => {
        const found = await inference(each, kind, planned);
        expect(found).toEqual(await inference(each, kind, callByCall));
        expectClose(found, await inference(each, kind, reference), TOLERANCE[kind]);
      });
    }
  });
}

describe('threads', () => {
  it('give the same bits', async () => {
    const backend = WasmBackend.create({ threads: 3 });
    await backend.setThreads(3);
    const each = PLAN_CASES.residual;
    const found = await losses(each, 'quantized', { backend, planned: true }, 'SGD', 6);
    expect(found).toEqual(await losses(each, 'quantized', planned, 'SGD', 6));
    expect(backend.info().threads).toBe(3);
    await backend.dispose();
  });
});

describe('training for 20 steps', () => {
  const chosen = [
    ['residual', 'SGD'],
    ['depthwise', 'Adam'],
    ['dropout', 'SGD'],
    ['two outputs, loss on both', 'Adam'],
    ['embedding', 'SGD'],
    ['frozen parameters', 'Adam'],
  ] as const satisfies readonly (readonly [string, OptimizerName])[];
  for (const [name, optimizer] of chosen) {
    for (const kind of ['float', 'quantized'] as const) {
      it(`${name}, ${kind}, ${optimizer}`, async () => {
        const each = PLAN_CASES[name];
        const found = await losses(each, kind, planned, optimizer, 20);
        expect(found).toEqual(await losses(each, kind, callByCall, optimizer, 20));
        expectClose(found, await losses(each, kind, reference, optimizer, 20), kind === 'float' ? 1e-3 : 0.05);
        expect(found.at(-2)).toBeLessThan(found[0]);
      });
    }
  }
});
