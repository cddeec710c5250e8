/**
 * Parameter updates. What changes from step to step (rates, corrections of the bias) are scalars of the call, so that a
 * schedule compiles nothing new; they are computed in double precision and rounded once.
 */
import type { TensorType } from '../../contract.js';
import { f32x4, i32, type V128 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local } from '../assembler/module.js';
import { sizeOf, type WasmCall, type WasmKernel } from '../kernel.js';
import { emitElements, FLOAT_BYTES, isFloat32, loadLanes, storeLanes, vectorsOf } from './loops.js';
import { times } from './spans.js';
import { keep, multiplyAdd, splat, subtractProduct } from './vectors.js';

/** Elements in a unit of work. */
const BLOCK = 4096;

/** New values of the outputs from the inputs and the scalars, as vectors. */
type Update<S extends string> = (
  code: FunctionBuilder,
  inputs: readonly V128[],
  scalars: Readonly<Record<S, V128>>,
) => readonly V128[];

/**
 * A call over tensors of one shape. Its code is the same for every length, which is given as scalars: a network has many
 * shapes of parameters, and an optimizer's first step would compile code for each.
 */
function updateCall<S extends string>(
  name: string,
  inputs: readonly TensorType[],
  outputs: readonly TensorType[],
  scalars: Readonly<Record<S, number>>,
  update: Update<S>,
): WasmCall | null {
  if (!isFloat32(...inputs, ...outputs)) return null;
  const length = sizeOf(outputs[0].shape);
  const units = Math.ceil(length / BLOCK);
  const names = Object.keys(scalars) as S[];
  // Single precision holds both exactly: a heap of 4 GiB has fewer than 2^18 blocks.
  const lastUnit = units - 1;
  const lastCount = length - lastUnit * BLOCK;
  const addresses = [...inputs, ...outputs].map((_, index) => `tensor${index}`);
  return {
    key: name,
    phases: [{ name: 'run', units }],
    scalars: [...names.map((each) => scalars[each]), lastUnit, lastCount],
    build(module) {
      const parameters = Object.fromEntries([
        ...addresses.map((each) => [each, 'i32']),
        ...[...names, 'lastUnit', 'lastCount'].map((each) => [each, 'f32']),
        ['begin', 'i32'],
        ['end', 'i32'],
      ]) as Record<string, 'i32'>;
      module.function('run', parameters, (code, locals) => {
        const { begin, end } = locals;
        const rates = Object.fromEntries(
          names.map((each) => [each, code.local('v128', f32x4.splat(locals[each] as unknown as Local<'f32'>))]),
        ) as unknown as Record<S, V128>;
        const pointers = addresses.map(() => code.local('i32'));
        const integer = (scalar: string): Local<'i32'> =>
          code.local('i32', i32.truncSatF32S(locals[scalar] as unknown as Local<'f32'>));
        const [last, rest] = [integer('lastUnit'), integer('lastCount')];
        const count = code.local('i32');
        code.countTo(begin, end, 1, () => {
          pointers.forEach((pointer, index) => {
            code.set(pointer, i32.add(locals[addresses[index]], times(begin, BLOCK * FLOAT_BYTES)));
          });
          code.set(count, i32.const(BLOCK));
          code.if(i32.eq(begin, last), () => code.set(count, rest));
          emitElements(code, count, 8, (lanes) => {
            const results = vectorsOf(lanes).map((at) => {
              const values = pointers
                .slice(0, inputs.length)
                .map((pointer) => keep(code, loadLanes(pointer, lanes, at)));
              return update(code, values, rates).map((value) => keep(code, value));
            });
            outputs.forEach((_, output) => {
              const vectors = results.map((each) => each[output]);
              storeLanes(code, pointers[inputs.length + output], vectors, lanes);
            });
            for (const pointer of pointers) code.increase(pointer, lanes * FLOAT_BYTES);
          });
        });
      });
    },
  };
}

const { add, sub, mul, div, sqrt } = f32x4;

export const sgdUpdate: WasmKernel<'sgdUpdate'> = (inputs, attributes, outputs) => {
  const { learningRate, momentum, dampening, weightDecay, nesterov, first } = attributes;
  const hasMomentum = momentum !== 0;
  const scalars = { learningRate, momentum, weightDecay, gain: 1 - dampening };
  return updateCall(
    `sgdUpdate ${[hasMomentum, nesterov, first, weightDecay !== 0]}`,
    inputs,
    outputs,
    scalars,
    (code, [parameter, gradient, buffer], rates) => {
      const slope =
        weightDecay === 0 ? gradient : keep(code, multiplyAdd(code, rates.weightDecay, parameter, gradient));
      if (!hasMomentum) return [subtractProduct(code, parameter, rates.learningRate, slope), buffer];
      const blended = first ? slope : multiplyAdd(code, rates.gain, slope, mul(rates.momentum, buffer));
      const newBuffer = keep(code, blended);
      const step = nesterov ? multiplyAdd(code, rates.momentum, newBuffer, slope) : newBuffer;
      return [subtractProduct(code, parameter, rates.learningRate, step), newBuffer];
    },
  );
};

export const adamUpdate: WasmKernel<'adamUpdate'> = (inputs, attributes, outputs) => {
  const { learningRate, beta1, beta2, epsilon, weightDecay, decoupled, step } = attributes;
  const scalars = {
    stepSize: learningRate / (1 - beta1 ** step),
    gain1: 1 - beta1,
    beta2,
    gain2: 1 - beta2,
    secondCorrection: Math.sqrt(1 - beta2 ** step),
    epsilon,
    shrink: decoupled ? 1 - learningRate * weightDecay : 1,
    penalty: decoupled ? 0 : weightDecay,
  };
  const [penalized, shrunk] = [!decoupled && weightDecay !== 0, decoupled && weightDecay !== 0];
  return updateCall(
    `adamUpdate ${[penalized, shrunk]}`,
    inputs,
    outputs,
    scalars,
    (code, [parameter, gradient, first, second], rates) => {
      const slope = penalized ? keep(code, multiplyAdd(code, rates.penalty, parameter, gradient)) : gradient;
      const mean = keep(code, multiplyAdd(code, rates.gain1, sub(slope, first), first));
      const square = keep(code, multiplyAdd(code, mul(rates.gain2, slope), slope, mul(rates.beta2, second)));
      const denominator = add(div(sqrt(square), rates.secondCorrection), rates.epsilon);
      const kept = shrunk ? mul(parameter, rates.shrink) : parameter;
      return [sub(kept, div(mul(rates.stepSize, mean), denominator)), mean, square];
    },
  );
};

export const rmspropUpdate: WasmKernel<'rmspropUpdate'> = (inputs, attributes, outputs) => {
  const { learningRate, alpha, epsilon, weightDecay, momentum, centered } = attributes;
  const hasMomentum = momentum > 0;
  const scalars = { learningRate, alpha, gain: 1 - alpha, epsilon, weightDecay, momentum };
  return updateCall(
    `rmspropUpdate ${[hasMomentum, centered, weightDecay !== 0]}`,
    inputs,
    outputs,
    scalars,
    (code, [parameter, gradient, squareAverage, buffer, gradientAverage], rates) => {
      const slope =
        weightDecay === 0 ? gradient : keep(code, multiplyAdd(code, rates.weightDecay, parameter, gradient));
      const square = keep(code, multiplyAdd(code, mul(rates.gain, slope), slope, mul(rates.alpha, squareAverage)));
      const mean = centered
        ? keep(code, multiplyAdd(code, rates.gain, sub(slope, gradientAverage), gradientAverage))
        : gradientAverage;
      // The variance is not negative, but the rounded averages can say so when the gradient is constant.
      const variance = centered ? f32x4.pmax(subtractProduct(code, square, mean, mean), splat(code, 0)) : square;
      const direction = keep(code, div(slope, add(sqrt(variance), rates.epsilon)));
      const step = hasMomentum ? keep(code, multiplyAdd(code, rates.momentum, buffer, direction)) : direction;
      return [subtractProduct(code, parameter, rates.learningRate, step), square, hasMomentum ? step : buffer, mean];
    },
  );
};
