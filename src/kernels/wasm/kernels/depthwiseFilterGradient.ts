/**
 * The gradient of a depthwise convolution's filter: for each channel and element of the window, the sum of what the
 * element sees times the output's gradient, over all pixels of all images.
 */
import { f32, f32x4, i32, v128 } from '../assembler/instructions.js';
import { kernelParameters, type WasmCall } from '../kernel.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { tapDistance, tapsOf } from './depthwise.js';
import { emitLanes, laneCount, ScratchLayout } from './lanes.js';
import { constant, emitFill, FLOAT, floatAt, roundUp } from './spans.js';
import { defineStaging, type Staging, stagedPlane, stagedRow, stagingFor } from './staging.js';
import { multiplyAdd } from './vectors.js';

const PARAMETERS = kernelParameters(['input', 'gradient', 'output', 'scratch']);

/** Sums that are kept in registers at once. */
const SUMS_AT_ONCE = 9;

export function depthwiseFilterGradientCall(shape: ConvolutionShape): WasmCall {
  const { batch, groups, height, width, outputHeight, outputWidth, pads, strides, taps } = shape;
  const staging = stagingFor(shape, outputHeight);
  /** The output's gradient with zeros up to whole vectors. */
  const gradientStaging: Staging = {
    height: outputHeight,
    width: outputWidth,
    rows: outputHeight,
    rowStep: 1,
    stride: 1,
    pad: 0,
    phases: 1,
    phaseWidth: roundUp(outputWidth, 4),
  };
  const layout = new ScratchLayout({
    staged: stagedPlane(staging),
    stagedGradient: stagedPlane(gradientStaging),
    sums: 4 * taps,
  });
  return {
    key: `depthwise filter gradient ${shape.key}`,
    phases: [{ name: 'accumulate', units: laneCount(groups, layout.bytes), cost: shape.cost }],
    scratchBytes: laneCount(groups, layout.bytes) * layout.bytes,
    build(module) {
      const stage = defineStaging(module, 'stage', staging);
      const stageGradient = defineStaging(module, 'stage gradient', gradientStaging);
      module.function('accumulate', PARAMETERS, (code, parameters) => {
        const { input, gradient, output } = parameters;
        const [line, x, g] = [code.local('i32'), code.local('i32'), code.local('i32')];
        const value = code.local('v128');
        const registers = Array.from({ length: Math.min(taps, SUMS_AT_ONCE) }, () => code.local('v128'));
        emitLanes(code, parameters, groups, layout.bytes, (base, forItems) => {
          const { staged, stagedGradient, sums } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedPlane(staging)));
          emitFill(code, stagedGradient, constant(stagedPlane(gradientStaging)));
          forItems((channel) => {
            emitFill(code, sums, constant(4 * taps));
            code.repeat(batch, (image) => {
              const plane = code.local('i32', i32.add(i32.mul(image, constant(groups)), channel));
              const one = constant(1);
              code.call(stage, floatAt(input, [plane, height * width]), staged, constant(-pads[0]), one);
              const from = floatAt(gradient, [plane, outputHeight * outputWidth]);
              code.call(stageGradient, from, stagedGradient, constant(0), one);
              const elements = tapsOf(shape);
              for (let first = 0; first < taps; first += SUMS_AT_ONCE) {
                const some = elements.slice(first, first + SUMS_AT_ONCE);
                some.forEach((_, index) => {
                  code.set(registers[index], f32x4.splat(f32.const(0)));
                });
                code.set(line, staged);
                code.set(g, stagedGradient);
                code.repeat(outputHeight, () => {
                  code.set(x, line);
                  code.repeat(roundUp(outputWidth, 4) / 4, () => {
                    code.set(value, v128.load(g));
                    some.forEach((tap, index) => {
                      const seen = v128.load(x, tapDistance(shape, staging, tap) * FLOAT);
                      code.set(registers[index], multiplyAdd(code, seen, value, registers[index]));
                    });
                    code.increase(x, 16);
                    code.increase(g, 16);
                  });
                  code.increase(line, (strides[0] / staging.rowStep) * stagedRow(staging) * FLOAT);
                });
                some.forEach((_, index) => {
                  const offset = 16 * (first + index);
                  code.do(v128.store(sums, f32x4.add(v128.load(sums, offset), registers[index]), offset));
                });
              }
            });
            const target = code.local('i32', floatAt(output, [channel, taps]));
            code.repeat(taps, (tap) => {
              const lane = (index: number) => f32.load(floatAt(sums, [tap, 4]), index * FLOAT);
              const sum = f32.add(f32.add(lane(0), lane(1)), f32.add(lane(2), lane(3)));
              code.do(f32.store(floatAt(target, [tap, 1]), sum));
            });
          });
        });
      });
    },
  };
}
