/** A model with quantizers: trains like any module, and knows its quantizers. */
import { ValidationError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { GraphModule } from '../graph/graphModule.js';
import type { Module } from '../nn/module.js';
import type { OutputStructure } from '../nn/structure.js';
import type { Tensor } from '../tensor/tensor.js';
import type { IgnoredScope } from './ignoredScope.js';
import { isQuantizer, Quantizer } from './quantizer.js';

/** How a model was quantized; kept with it and written into its files. */
export interface QuantizationRecord {
  readonly preset: 'performance' | 'mixed';
  readonly targetDevice: string;
  readonly subsetSize: number;
  readonly fastBiasCorrection: boolean;
  readonly overflowFix: 'enable' | 'firstLayer' | 'disable';
  readonly bits: { readonly weights: number; readonly activations: number };
  readonly ignoredScope: IgnoredScope;
}

export class QuantizedModel<M extends Module = Module> extends GraphModule {
  readonly record: QuantizationRecord;

  constructor(graph: Graph, structure: OutputStructure, record: QuantizationRecord) {
    super(graph, structure);
    this.record = record;
  }

  override forward(...inputs: Parameters<M['forward']>): ReturnType<M['forward']> {
    return super.forward(...(inputs as Tensor[])) as ReturnType<M['forward']>;
  }

  /** The quantizers in execution order. */
  get quantizers(): Quantizer[] {
    return this.graph.nodes.filter(isQuantizer).map((node) => new Quantizer(node));
  }

  /** The quantizer of this name. */
  quantizer(name: string): Quantizer {
    const { quantizers } = this;
    const found = quantizers.find((quantizer) => quantizer.name === name);
    if (!found) {
      throw new ValidationError(
        'UNKNOWN_QUANTIZER',
        `The model has no quantizer '${name}'. It has: ${quantizers.map((quantizer) => quantizer.name).join(', ')}.`,
        { name },
      );
    }
    return found;
  }

  /** Switches all quantizers on. */
  enableQuantization(): this {
    for (const quantizer of this.quantizers) quantizer.enable();
    return this;
  }

  /** Switches all quantizers off: the model computes in float. */
  disableQuantization(): this {
    for (const quantizer of this.quantizers) quantizer.disable();
    return this;
  }
}
