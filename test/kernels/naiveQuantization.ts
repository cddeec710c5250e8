/** Fake quantization and the updates of the optimizers, straight from their definitions. */
import type { TensorType } from '../../src/kernels/contract.js';
import type { HostOperand } from '../../src/kernels/reference/kernel.js';
import { indicesOf } from './naive.js';
import { accumulate, at, broadcastAt, type Index, type NaiveKernels, naiveRound, tabulate } from './naiveTools.js';

/** Rounds to the operand's type. */
const rounding =
  ({ dtype }: TensorType) =>
  (value: number): number =>
    dtype === 'float32' ? new Float32Array([value])[0] : value;

/** The grid at one element: NNCF's quantities, each rounded. */
function gridAt(x: HostOperand, low: HostOperand, range: HostOperand, levels: number, index: Index) {
  const round = rounding(x);
  const limits = [low, range].map((each) => (each.values.length === 1 ? each.values[0] : broadcastAt(each, index)));
  const [lowest, extent] = limits;
  const highest = round(lowest + extent);
  const scale = round((levels - 1) / extent);
  const zeroPoint = naiveRound(round(-lowest * scale));
  const value = at(x, index);
  const clamped = Math.max(lowest, Math.min(highest, value));
  const code = naiveRound(round(round(round(clamped - lowest) * scale) - zeroPoint));
  return { value, lowest, highest, extent, code, output: round(code / scale) };
}

export const NAIVE_QUANTIZATION: NaiveKernels<
  | 'fakeQuantize'
  | 'fakeQuantizeCodes'
  | 'fakeQuantizeGradient'
  | 'fakeQuantizeOpenvino'
  | 'sgdUpdate'
  | 'adamUpdate'
  | 'rmspropUpdate'
> = {
  fakeQuantize: ([x, low, range], { levels }) => [
    tabulate(x.shape, (index) => gridAt(x, low, range, levels, index).output),
  ],

  fakeQuantizeCodes: ([x, low, range], { levels }) => [
    tabulate(x.shape, (index) => gridAt(x, low, range, levels, index).code || 0),
  ],

  fakeQuantizeGradient: ([g, x, low, range], { levels, levelLow, levelHigh }) => {
    const perChannel = (add: (index: Index, value: number) => void, index: Index, value: number): void =>
      add(
        low.values.length === 1 ? low.shape.map(() => 0) : index.map((p, axis) => (low.shape[axis] === 1 ? 0 : p)),
        value,
      );
    const rangeTerm = (index: Index): number => {
      const { value, lowest, highest, extent, output } = gridAt(x, low, range, levels, index);
      if (value < lowest) {
        return levelLow / levelHigh;
      }
      return value > highest ? 1 : (output - value) / extent;
    };
    const outside = (index: Index): boolean => {
      const { value, lowest, highest } = gridAt(x, low, range, levels, index);
      return value < lowest || value > highest;
    };
    const known = Array.from(indicesOf(x.shape)).filter((index) => !Number.isNaN(at(x, index)));
    return [
      tabulate(x.shape, (index) => (outside(index) || Number.isNaN(at(x, index)) ? 0 : at(g, index))),
      accumulate(low.shape, (add) => {
        for (const index of known.filter(outside)) {
          perChannel(add, index, at(g, index));
        }
      }),
      accumulate(range.shape, (add) => {
        for (const index of known) {
          perChannel(add, index, at(g, index) * rangeTerm(index));
        }
      }),
    ];
  },

  fakeQuantizeOpenvino: (inputs, { levels }, [y]) => {
    const round = rounding(y);
    return [
      tabulate(y.shape, (index) => {
        const [x, inputLow, inputHigh, outputLow, outputHigh] = inputs.map((each) => broadcastAt(each, index));
        if (x <= Math.min(inputLow, inputHigh)) {
          return outputLow;
        }
        if (x > Math.max(inputLow, inputHigh)) {
          return outputHigh;
        }
        const level = naiveRound(round(round(round(x - inputLow) / round(inputHigh - inputLow)) * (levels - 1)));
        return round(round(level / (levels - 1)) * round(outputHigh - outputLow)) + outputLow;
      }),
    ];
  },

  sgdUpdate: (inputs, { learningRate, momentum, dampening, weightDecay, nesterov, first }) => {
    const [p, g, buffer] = inputs.map((each) => Array.from(each.values));
    const slope = g.map((each, i) => each + weightDecay * p[i]);
    const newBuffer = slope.map((each, i) => (first ? each : momentum * buffer[i] + (1 - dampening) * each));
    const step = slope.map((each, i) => (nesterov ? each + momentum * newBuffer[i] : newBuffer[i]));
    return momentum === 0
      ? [p.map((each, i) => each - learningRate * slope[i]), buffer]
      : [p.map((each, i) => each - learningRate * step[i]), newBuffer];
  },

  // Kingma and Ba's form with the bias-corrected moments written out.
  adamUpdate: (inputs, { learningRate, beta1, beta2, epsilon, weightDecay, decoupled, step }) => {
    const [p, g, m, v] = inputs.map((each) => Array.from(each.values));
    const slope = g.map((each, i) => each + (decoupled ? 0 : weightDecay * p[i]));
    const newM = m.map((each, i) => beta1 * each + (1 - beta1) * slope[i]);
    const newV = v.map((each, i) => beta2 * each + (1 - beta2) * slope[i] ** 2);
    const newP = p.map((each, i) => {
      const corrected = [newM[i] / (1 - beta1 ** step), newV[i] / (1 - beta2 ** step)];
      const decay = decoupled ? learningRate * weightDecay * each : 0;
      return each - decay - (learningRate * corrected[0]) / (Math.sqrt(corrected[1]) + epsilon);
    });
    return [newP, newM, newV];
  },

  rmspropUpdate: (inputs, { learningRate, alpha, epsilon, weightDecay, momentum, centered }) => {
    const [p, g, square, buffer, mean] = inputs.map((each) => Array.from(each.values));
    const slope = g.map((each, i) => each + weightDecay * p[i]);
    const newSquare = square.map((each, i) => alpha * each + (1 - alpha) * slope[i] ** 2);
    const newMean = centered ? mean.map((each, i) => alpha * each + (1 - alpha) * slope[i]) : mean;
    const deviation = newSquare.map((each, i) => Math.sqrt(centered ? each - newMean[i] ** 2 : each) + epsilon);
    const direction = slope.map((each, i) => each / deviation[i]);
    const newBuffer = momentum > 0 ? buffer.map((each, i) => momentum * each + direction[i]) : buffer;
    const step = momentum > 0 ? newBuffer : direction;
    return [p.map((each, i) => each - learningRate * step[i]), newSquare, newBuffer, newMean];
  },
};
