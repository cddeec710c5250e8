/**
 * What a convolution does with a tile of its output as soon as it is complete, while it is still in the cache, such as
 * the activation that follows. It is part of the convolution's call: its operands come after the convolution's own.
 *
 * Statistics of the output are not made this way. They would have to be summed in double precision to be the same bits as
 * those of a pass of its own, which is cut differently, and that costs more than the pass over memory that it saves.
 */
import type { I32 } from '../assembler/instructions.js';
import type { FunctionBuilder, Local, ModuleBuilder } from '../assembler/module.js';
import { type KernelOptions, kernelParameters, type WasmCall } from '../kernel.js';

/** A tile while the kernel runs: some channels of some images, of each plane a run of pixels. All are locals or constants. */
export interface OutputTile {
  readonly channel: I32;
  readonly channels: I32;
  readonly image: I32;
  readonly images: I32;
  readonly start: I32;
  readonly pixels: I32;
}

/** Addresses of operands by name. */
export type Addresses = Readonly<Record<string, Local<'i32'>>>;

type FinishTile = (code: FunctionBuilder, addresses: Addresses, tile: OutputTile) => void;

export interface Epilogue {
  readonly key: string;
  /** Names of operands beside the convolution's; the convolution's output is `output`. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Defines its functions, and gives what is to be done with a complete tile. */
  build(module: ModuleBuilder): FinishTile;
}

/** Parameters of the functions of a convolution, beside those of its epilogue. */
type ConvolutionParameters = Record<'input' | 'filter' | 'output' | 'scratch' | 'begin' | 'end', 'i32'>;

/** Builds the functions of a convolution; `finish` is to be called for each complete tile. */
export type BuildConvolution = (
  module: ModuleBuilder,
  options: KernelOptions,
  parameters: ConvolutionParameters,
  finish: FinishTile,
) => void;

/** The call of a convolution, with an epilogue if there is one. */
export function callWithEpilogue(
  { build, ...call }: Omit<WasmCall, 'build'> & { readonly build: BuildConvolution },
  epilogue: Epilogue | null,
): WasmCall {
  const { inputs = [], outputs = [] } = epilogue ?? {};
  const names = ['input', 'filter', ...inputs, 'output', ...outputs, 'scratch'];
  const parameters = kernelParameters(names) as ConvolutionParameters;
  return {
    ...call,
    key: epilogue ? `${call.key} + ${epilogue.key}` : call.key,
    build(module, options) {
      build(module, options, parameters, epilogue?.build(module) ?? (() => undefined));
    },
  };
}
