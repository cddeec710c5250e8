/** A model with quantizers: trains like any module, and knows its quantizers. */
import { ValidationError } from '../errors.js';
import type { Graph } from '../graph/graph.js';
import { GraphModule } from '../graph/graphModule.js';
import type { Module } from '../nn/module.js';
import type { Parameter } from '../nn/parameter.js';
import type { OutputStructure } from '../nn/structure.js';
import type { RangeGradient } from '../ops/quantization/quantizeDequantize.js';
import { observeUpdates } from '../optim/updateObserver.js';
import type { Tensor } from '../tensor/tensor.js';
import { isQuantizer, Quantizer } from './quantizer.js';
import { RangeGuard, type RangeGuardMode } from './rangeGuard.js';
import type { QuantizationRecord } from './record.js';

export class QuantizedModel<M extends Module = Module> extends GraphModule {
  readonly record: QuantizationRecord;
  readonly #guard: RangeGuard;

  constructor(graph: Graph, structure: OutputStructure, record: QuantizationRecord) {
    super(graph, structure);
    this.record = record;
    this.#guard = new RangeGuard(this.quantizers);
    for (const parameter of this.#guard.parameters) observeUpdates(parameter, this.#guard);
  }

  /**
   * What happens when an optimizer moves the range of a quantizer by more than its size in one step, which a learning
   * rate for float training does: `warn` (default) says so once for each quantizer, `off` does not look, and a
   * function is called with the `RangeWarning`s of a step.
   */
  get rangeGuard(): RangeGuardMode {
    return this.#guard.mode;
  }

  set rangeGuard(mode: RangeGuardMode) {
    if (mode !== 'warn' && mode !== 'off' && typeof mode !== 'function') {
      throw new ValidationError(
        'INVALID_OPTION',
        `rangeGuard is '${String(mode)}', but must be 'warn', 'off' or a function.`,
        { option: 'rangeGuard' },
      );
    }
    this.#guard.mode = mode;
  }

  override forward(...inputs: Parameters<M['forward']>): ReturnType<M['forward']> {
    return super.forward(...(inputs as Tensor[])) as ReturnType<M['forward']>;
  }

  /** The quantizers in execution order. */
  get quantizers(): Quantizer[] {
    return this.graph.nodes.filter(isQuantizer).map((node) => new Quantizer(node));
  }

  /** The quantizers by name, in execution order. */
  *namedQuantizers(): Generator<[string, Quantizer]> {
    for (const quantizer of this.quantizers) yield [quantizer.name, quantizer];
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

  /** The trained ranges of the quantizers, each once, such as for a learning rate of their own. */
  rangeParameters(): Parameter[] {
    return [...new Set(this.quantizers.flatMap((quantizer) => quantizer.parameters))];
  }

  /** All parameters but those of the quantizers. */
  weightParameters(): Parameter[] {
    const ranges = new Set(this.rangeParameters());
    return this.parameters().filter((parameter) => !ranges.has(parameter));
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

  /** Lets training move the ranges of all quantizers, which it does unless it was switched off. */
  enableGradients(): this {
    for (const quantizer of this.quantizers) quantizer.enableGradients();
    return this;
  }

  /** Keeps the ranges of all quantizers as they are; the weights still train through them. */
  disableGradients(): this {
    for (const quantizer of this.quantizers) quantizer.disableGradients();
    return this;
  }

  /** Chooses for all quantizers how the gradients of their ranges are computed: `nncf` (default), or `exact`. */
  useRangeGradient(rule: RangeGradient): this {
    for (const quantizer of this.quantizers) quantizer.rangeGradient = rule;
    return this;
  }
}
