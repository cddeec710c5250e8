/**
 * The gradient of an input of one to four channels, which a quantizer of a network's input asks for. The matrix product
 * would have too few rows to be worth the columns around it: here, each output channel's staged plane is read at all
 * elements of the window and added to the few planes of the input.
 */
import { f32x4, v128 } from '../assembler/instructions.js';
import { kernelParameters, type WasmCall } from '../kernel.js';
import type { ConvolutionShape } from './convolutionShape.js';
import { tapsOf } from './depthwise.js';
import { emitLanes, laneCount, ScratchLayout } from './lanes.js';
import { constant, emitFill, emitSpans, FLOAT, floatAt, loadLanes, spanAt, storeLanes } from './spans.js';
import { defineStaging, stagedPlane, stagedRow, stagingFor } from './staging.js';

const PARAMETERS = kernelParameters(['gradient', 'filter', 'output', 'scratch']);

const MOST_CHANNELS = 4;
/** A vector for each element of the window has to fit into registers, with some left for the sums. */
const MOST_TAPS = 9;
/** Fewer images, which are the units of work, would leave threads without any. */
const FEWEST_IMAGES = 4;

/** Null for shapes that it is not made for. */
export function fewChannelsInputGradientCall(shape: ConvolutionShape): WasmCall | null {
  const { batch, groups, inputChannels, outputChannels, height, width, outputHeight, outputWidth, taps } = shape;
  const { kernelHeight, kernelWidth, strides, dilations, pads } = shape;
  const reach = [(kernelHeight - 1) * dilations[0], (kernelWidth - 1) * dilations[1]];
  // dx is the convolution of g with the window turned around, whose padding is what the first one leaves.
  const turnedPads = reach.map((each, axis) => each - pads[axis]);
  const few = groups === 1 && inputChannels <= MOST_CHANNELS && taps > 1 && taps <= MOST_TAPS;
  if (!few || batch < FEWEST_IMAGES || Math.max(...strides) > 1 || Math.min(...turnedPads) < 0) return null;
  const staging = stagingFor(
    { ...shape, height: outputHeight, width: outputWidth, outputWidth: width, pads: turnedPads },
    height,
  );
  const layout = new ScratchLayout({ staged: stagedPlane(staging) });
  const [area, outputArea] = [height * width, outputHeight * outputWidth];
  const units = laneCount(batch, layout.bytes);
  return {
    key: `input gradient of few channels ${shape.key}`,
    phases: [{ name: 'convolve', units, cost: shape.cost }],
    scratchBytes: units * layout.bytes,
    build(module) {
      const stage = defineStaging(module, 'stage', staging);
      module.function('convolve', PARAMETERS, (code, parameters) => {
        const { gradient, filter, output } = parameters;
        const [source, target, weightsAt] = [code.local('i32'), code.local('i32'), code.local('i32')];
        const weights = Array.from({ length: taps }, () => code.local('v128'));
        const addRow = (): void =>
          emitSpans(code, width, { unroll: 2 }, (span) => {
            const [from, to] = [spanAt(source, span), spanAt(target, span)];
            const sum = tapsOf(shape).reduce(
              (total, { index, y, x }) => {
                const down = reach[0] - y * dilations[0];
                const distance = down * stagedRow(staging) + reach[1] - x * dilations[1];
                return f32x4.add(total, f32x4.mul(v128.load(from, distance * FLOAT + span.offset), weights[index]));
              },
              loadLanes(to, span.offset, span.lanes),
            );
            storeLanes(code, to, span.offset, sum, span.lanes);
          });
        emitLanes(code, parameters, batch, layout.bytes, (base, forItems) => {
          const { staged } = layout.locals(code, base);
          emitFill(code, staged, constant(stagedPlane(staging)));
          forItems((image) => {
            const planes = code.local('i32', floatAt(output, [image, inputChannels * area]));
            emitFill(code, planes, constant(inputChannels * area));
            code.repeat(outputChannels, (channel) => {
              const from = floatAt(gradient, [image, outputChannels * outputArea], [channel, outputArea]);
              code.call(stage, from, staged, constant(-turnedPads[0]), constant(1));
              code.set(weightsAt, floatAt(filter, [channel, inputChannels * taps]));
              code.set(target, planes);
              code.repeat(inputChannels, () => {
                weights.forEach((weight, index) => {
                  code.set(weight, v128.load32Splat(weightsAt, index * FLOAT));
                });
                code.increase(weightsAt, taps * FLOAT);
                code.set(source, staged);
                code.repeat(height, () => {
                  addRow();
                  code.increase(source, stagedRow(staging) * FLOAT);
                  code.increase(target, width * FLOAT);
                });
              });
            });
          });
        });
      });
    },
  };
}
