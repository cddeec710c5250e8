/** A chain of elementwise kernel calls as the epilogue of a convolution whose output it reads, and which nothing else does. */
import type { TensorType } from '../../contract.js';
import { bytesPerElement } from '../../dtype.js';
import { type I32, i32 } from '../assembler/instructions.js';
import type { Local } from '../assembler/module.js';
import { type ChainWalk, chainBody, type LinkedChain } from './chain.js';
import type { Epilogue } from './epilogue.js';
import { stridesUnder } from './rowPlan.js';
import { emitRow, splatAt } from './rows.js';
import { emitLoop, times } from './spans.js';

/** How an operand or output is walked over images, channels and pixels, in bytes. */
interface TileWalk {
  readonly image: number;
  readonly channel: number;
  /** From a pixel to the next; 0: the same value for a whole plane. */
  readonly pixel: number;
}

function tileWalk({ type }: ChainWalk, output: readonly number[]): TileWalk | null {
  const bytes = bytesPerElement(type.dtype);
  const [height, width] = output.slice(2);
  const [image, channel, down, across] = stridesUnder(type.shape, output);
  const moves = (height === 1 || down === width) && (width === 1 || across === 1);
  if (!moves && (down !== 0 || across !== 0)) return null;
  return { image: image * bytes, channel: channel * bytes, pixel: moves && height * width > 1 ? bytes : 0 };
}

/**
 * @param names Of the chain's inputs and outputs: `output` for the convolution's output and for the output that takes its
 * place, any others for the rest.
 * @param output Shape of the convolution's output.
 * @returns null where an operand is not read in planes, or the chain makes sums
 */
export function chainEpilogue(
  chain: LinkedChain,
  names: { readonly inputs: readonly string[]; readonly outputs: readonly string[] },
  output: TensorType,
): Epilogue | null {
  const walks = chain.walks.map((walk) => tileWalk(walk, output.shape));
  if (chain.sums.length > 0 || !walks.every((walk) => walk !== null)) return null;
  const parameters = [...names.inputs, ...names.outputs];
  const walked = chain.walks.map(({ parameter, walk: { dtype } }, index) => {
    const { image, channel, pixel } = walks[index];
    return { name: parameters[parameter], dtype, image, channel, pixel, moves: pixel !== 0 };
  });
  const plane = tileWalk({ ...chain.walks[0], type: output }, output.shape);
  const inPlace = walked.filter(({ name }) => name === 'output');
  if (inPlace.some(({ image, channel, pixel }) => !sameWalk({ image, channel, pixel }, plane))) {
    return null;
  }
  const others = (all: readonly string[]): string[] => [...new Set(all.filter((name) => name !== 'output'))];
  const tile = ['image', 'images', 'channel', 'channels', 'start', 'pixels'] as const;
  const own = [...new Set(parameters)];
  const inputs = walked.length - chain.results.length;
  return {
    key: `${chain.key} ${names.inputs} ${names.outputs} ${walked.map(({ dtype, image, channel, pixel }) => [dtype, image, channel, pixel])}`,
    inputs: others(names.inputs),
    outputs: others(names.outputs),
    build(module) {
      const types = Object.fromEntries([...own, ...tile].map((name) => [name, 'i32' as const]));
      const finish = module.function('finish', types, (code, values) => {
        const { image, images, channel, channels, start, pixels } = values;
        const body = chainBody(code, chain, null);
        const pointers = walked.map(() => code.local('i32'));
        const constants = walked.map(({ moves }, index) => (index < inputs && !moves ? code.local('v128') : null));
        const perImage = walked.some((walk, index) => constants[index] !== null && walk.image !== 0);
        const point = (index: number, inPlane: readonly (readonly [I32, number])[]): void => {
          const terms = inPlane.filter(([, bytes]) => bytes !== 0);
          const base: I32 = values[walked[index].name];
          code.set(
            pointers[index],
            terms.reduce((sum, [position, bytes]) => i32.add(sum, times(position, bytes)), base),
          );
        };
        /** Reads what stays the same along a row. */
        const begin = (inChannel: Local<'i32'>, inImage: Local<'i32'> | null): void => {
          walked.forEach((walk, index) => {
            const constant = constants[index];
            if (!constant) return;
            point(index, [[inChannel, walk.channel], ...(inImage ? [[inImage, walk.image] as const] : [])]);
            code.set(constant, splatAt(code, walk.dtype, pointers[index]));
          });
          body.begin(constants.slice(0, inputs));
        };
        emitLoop(code, channels, (nextChannel) => {
          const inChannel = code.local('i32', i32.add(channel, nextChannel));
          if (!perImage) begin(inChannel, null);
          emitLoop(code, images, (nextImage) => {
            const inImage = code.local('i32', i32.add(image, nextImage));
            if (perImage) begin(inChannel, inImage);
            walked.forEach((walk, index) => {
              if (constants[index]) return;
              point(index, [
                [inImage, walk.image],
                [inChannel, walk.channel],
                [start, walk.pixel],
              ]);
            });
            emitRow(code, pixels, walked, { pointers, constants, inputs }, body.values);
          });
        });
      });
      return (code, addresses, place) =>
        code.call(finish, ...own.map((name) => addresses[name]), ...tile.map((name) => place[name]));
    },
  };
}

const sameWalk = (a: TileWalk, b: TileWalk | null): boolean =>
  a.image === b?.image && a.channel === b.channel && a.pixel === b.pixel;
