/** The end of a filter's gradient by Winograd's algorithm: the products' gradients become gradients of weights. */
import { f32, f32x4, i32, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { emitTransposed } from './movement.js';
import { constant, FLOAT } from './spans.js';
import { emitTransform, transposed, type WinogradMatrices } from './winogradTransforms.js';

/** Writes nine weights of each of `rows` filters, which are the lanes of the vectors. */
function emitWeights(
  code: FunctionBuilder,
  weights: readonly V128[],
  targets: readonly Local<'i32'>[],
  rows: number,
): void {
  const kept = weights.map((weight) => code.local('v128', weight));
  for (const first of [0, 4]) {
    emitTransposed(code, kept.slice(first, first + 4))
      .slice(0, rows)
      .forEach((four, row) => {
        code.do(v128.store(targets[row], four, first * FLOAT));
      });
  }
  for (let row = 0; row < rows; row++) code.do(f32.store(targets[row], f32x4.extractLane(kept[8], row), 8 * FLOAT));
}

/**
 * Defines `write weights(sums, target, count)`: for one input channel and `count` output channels, the gradients of 3 x 3
 * weights. A product's sums follow `sumsFloats` floats behind the one before. Of all `outputs` output channels, `count`
 * must be a multiple of four or leave out as many as end them.
 */
export function defineWeights(
  module: ModuleBuilder,
  { products, filter }: WinogradMatrices,
  { sumsFloats, inputs, outputs }: { readonly sumsFloats: number; readonly inputs: number; readonly outputs: number },
): number {
  const parameters = { sums: 'i32', target: 'i32', count: 'i32' } as const;
  const filterBytes = inputs * 9 * FLOAT;
  return module.function('write weights', parameters, (code, { sums, target, count }) => {
    const targets = [0, 1, 2, 3].map((row) => code.local('i32', i32.add(target, constant(row * filterBytes))));
    const four = (rows: number): void => {
      const tile = Array.from({ length: products }, (_, y) =>
        Array.from({ length: products }, (_, x) => v128.load(sums, (y * products + x) * sumsFloats * FLOAT)),
      );
      emitWeights(code, emitTransform(code, transposed(filter), tile).flat(), targets, rows);
      code.increase(sums, 4 * FLOAT);
      for (const each of targets) code.increase(each, 4 * filterBytes);
      code.increase(count, -4);
    };
    code.if(i32.geS(count, constant(4)), () =>
      code.doWhile(
        () => four(4),
        () => i32.geS(count, constant(4)),
      ),
    );
    if (outputs % 4 > 0) code.if(i32.gtS(count, constant(0)), () => four(outputs % 4));
  });
}
