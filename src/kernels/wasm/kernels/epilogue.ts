/**
 * What a convolution does with a tile of its output as soon as it is complete, while it is still in the cache, such as
 * sums for statistics or the activation that follows. It is part of the convolution's call: its operands and results
 * come after the convolution's own, and its phases follow the convolution's.
 */
import type { I32 } from '../assembler/instructions.js';
import { i32 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { kernelParameters, type Phase, type WasmCall } from '../kernel.js';
import { constant, roundUp } from './spans.js';

/** An output [batch, channels, area], and how it is cut. */
export interface OutputTiling {
  readonly batch: number;
  readonly channels: number;
  readonly area: number;
  /** Pieces of every channel: each is in one tile. */
  readonly pieces: number;
}

/** A tile while the kernel runs: some channels of some images, of each plane a run of pixels. All are locals or constants. */
export interface OutputTile {
  /** Which piece of its channels the tile is. */
  readonly piece: I32;
  readonly channel: I32;
  readonly channels: I32;
  readonly image: I32;
  readonly images: I32;
  readonly start: I32;
  readonly pixels: I32;
}

/** Addresses of operands by name. */
export type Addresses = Readonly<Record<string, Local<'i32'>>>;

export interface Epilogue {
  readonly key: string;
  /** Names of operands beside the convolution's; the convolution's output is `output`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** What remains when all tiles are complete. */
  phases(tiling: OutputTiling): readonly Phase[];
  scratchBytes(tiling: OutputTiling): number;
  /**
   * Defines its functions, those of its phases with `parameters`, and gives what is to be done with a complete tile.
   * @param scratchOffset Where its own scratch memory begins in the call's.
   */
  build(
    module: ModuleBuilder,
    tiling: OutputTiling,
    parameters: Readonly<Record<string, 'i32'>>,
    scratchOffset: number,
  ): (code: FunctionBuilder, addresses: Addresses, tile: OutputTile) => void;
}

/** Parameters of the functions of a convolution, beside those of its epilogue. */
type ConvolutionParameters = Record<'input' | 'filter' | 'output' | 'scratch' | 'begin' | 'end', 'i32'>;

/** Builds the functions of a convolution; `finish` is to be called for each complete tile. */
export type BuildConvolution = (
  module: ModuleBuilder,
  options: Parameters<WasmCall['build']>[1],
  parameters: ConvolutionParameters,
  finish: (code: FunctionBuilder, addresses: Addresses, tile: OutputTile) => void,
) => void;

/** The call of a convolution, with an epilogue if there is one. */
export function callWithEpilogue(
  { build, ...call }: Omit<WasmCall, 'build'> & { readonly build: BuildConvolution },
  tiling: OutputTiling,
  epilogue: Epilogue | null,
): WasmCall {
  if (epilogue === null) {
    const parameters = kernelParameters(['input', 'filter', 'output', 'scratch']);
    return { ...call, build: (module, options) => build(module, options, parameters, () => undefined) };
  }
  const { inputs, outputs } = epilogue;
  const names = ['input', 'filter', ...inputs, 'output', ...outputs, 'scratch'];
  const parameters = kernelParameters(names) as ConvolutionParameters;
  const scratchOffset = roundUp(call.scratchBytes ?? 0, 64);
  return {
    ...call,
    key: `${call.key} + ${epilogue.key}`,
    phases: [...call.phases, ...epilogue.phases(tiling)],
    scratchBytes: scratchOffset + epilogue.scratchBytes(tiling),
    build(module, options) {
      const finish = epilogue.build(module, tiling, parameters, scratchOffset);
      build(module, options, parameters, finish);
    },
  };
}

/** An address in a call's scratch memory. */
export const scratchAt = ({ scratch }: Addresses, offset: number): I32 => i32.add(scratch, constant(offset));
