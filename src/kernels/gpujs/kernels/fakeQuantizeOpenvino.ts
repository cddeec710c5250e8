/**
 * OpenVINO's FakeQuantize-1, rounded at every step as the reference kernel does. An element equal to the lower limit takes
 * the lower output, and NaN passes both comparisons and stays NaN.
 */
import type { KernelAttributes } from '../../contract.js';
import type { ProgramWriter } from '../program.js';
import { extreme } from './extreme.js';
import { type PointwiseWriter, pointwise } from './pointwise.js';
import { roundHalfToEven } from './source.js';

const fakeQuantizeOpenvinoFunction =
  ({ levels }: KernelAttributes['fakeQuantizeOpenvino']): PointwiseWriter =>
  ([value, inputLow, inputHigh, outputLow, outputHigh], y) =>
    `
    ${extreme('min', inputLow, inputHigh, `${y}Lowest`)}
    ${extreme('max', inputLow, inputHigh, `${y}Highest`)}
    const ${y}Above = Math.fround(${value} - ${inputLow});
    const ${y}InputRange = Math.fround(${inputHigh} - ${inputLow});
    const ${y}Quotient = Math.fround(${y}Above / ${y}InputRange);
    const ${y}Position = Math.fround(${y}Quotient * ${levels - 1});
    ${roundHalfToEven(`${y}Position`, `${y}Level`)}
    const ${y}Share = Math.fround(${y}Level / ${levels - 1});
    const ${y}OutputRange = Math.fround(${outputHigh} - ${outputLow});
    const ${y}Scaled = Math.fround(${y}Share * ${y}OutputRange);
    let ${y} = Math.fround(${y}Scaled + ${outputLow});
    if (${value} > ${y}Highest) { ${y} = ${outputHigh}; }
    if (${value} <= ${y}Lowest) { ${y} = ${outputLow}; }`;

export const fakeQuantizeOpenvino: ProgramWriter<'fakeQuantizeOpenvino'> = (inputs, attributes, [output]) =>
  pointwise(fakeQuantizeOpenvinoFunction(attributes), inputs, output);
