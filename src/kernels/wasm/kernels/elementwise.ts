/** Elementwise kernels: functions of one or two float32 tensors (bools count as 0 and 1), with broadcasting. */
import type { TensorType } from '../../contract.js';
import { f32x4, type V128, v128 } from '../assembler/instructions.js';
import type { FunctionBuilder } from '../assembler/module.js';
import { kernelParameters, type WasmCall, type WasmKernel } from '../kernel.js';
import { BINARY, COMPARISON, splat, UNARY, type VectorFunction2 } from './functions.js';
import { emitRows, planRows, rowDTypes } from './rows.js';

/** An elementwise kernel over any number of operands. */
export function elementwiseCall(
  name: string,
  inputs: readonly TensorType[],
  output: TensorType,
  value: (code: FunctionBuilder, operands: readonly V128[]) => V128,
): WasmCall | null {
  if (!inputs.every(({ dtype }) => rowDTypes(dtype)) || !['float32', 'bool'].includes(output.dtype)) return null;
  const plan = planRows(inputs, output);
  const names = [...inputs.map((_, index) => `input${index}`), 'output'];
  return {
    key: `elementwise ${name} ${plan.key}`,
    phases: [{ name: 'run', units: plan.units }],
    build(module) {
      module.function('run', kernelParameters(names), (code, parameters) => {
        const { begin, end } = parameters;
        emitRows(
          code,
          plan,
          names.map((key) => parameters[key]),
          begin,
          end,
          value,
        );
      });
    },
  };
}

export const unary: WasmKernel<'unary'> = ([x], { function: name }, [y]) => {
  const vector = UNARY[name];
  return vector && x.dtype === 'float32' ? elementwiseCall(name, [x], y, (code, [value]) => vector(code, value)) : null;
};

export const clamp: WasmKernel<'clamp'> = ([x], { min, max }, [y]) =>
  x.dtype === 'float32'
    ? elementwiseCall(`clamp ${min} ${max}`, [x], y, (_code, [value]) =>
        f32x4.pmin(f32x4.pmax(value, splat(min)), splat(max)),
      )
    : null;

export const binary: WasmKernel<'binary'> = ([a, b], { function: name }, [y]) => {
  const vector: VectorFunction2 | undefined = BINARY[name] ?? COMPARISON[name];
  return vector && a.dtype === 'float32'
    ? elementwiseCall(name, [a, b], y, (code, [left, right]) => vector(code, left, right))
    : null;
};

/** The condition is a bool tensor; a mask is made of its zeros and ones. */
export const select: WasmKernel<'select'> = (inputs, _attributes, [y]) =>
  y.dtype === 'float32'
    ? elementwiseCall('select', inputs, y, (_code, [condition, a, b]) =>
        v128.bitselect(a, b, f32x4.ne(condition, splat(0))),
      )
    : null;

/** Bool to float32, and float32 to bool. */
export const convert: WasmKernel<'convert'> = ([x], _attributes, [y]) => {
  if (x.dtype === 'bool' && y.dtype === 'float32') return elementwiseCall('convert', [x], y, (_code, [value]) => value);
  if (x.dtype === 'float32' && y.dtype === 'bool')
    return elementwiseCall('convert', [x], y, (_code, [value]) => f32x4.ne(value, splat(0)));
  return null;
};

/** Copies to the larger shape. */
export const broadcast: WasmKernel<'broadcast'> = ([x], _attributes, [y]) =>
  x.dtype === 'float32' ? elementwiseCall('broadcast', [x], y, (_code, [value]) => value) : null;
