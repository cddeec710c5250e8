/** Differentiable functions with a backward pass of the user's own (PyTorch's `autograd.Function`). */
import { AutogradError } from '../errors.js';
import { Tensor } from '../tensor/tensor.js';
import { isGradEnabled, noGrad } from './gradMode.js';
import { type BackwardRule, record, TapeNode } from './tape.js';

/** Passed to `forward`, to keep tensors for `backward`. */
export interface ForwardContext {
  /** Keeps tensors for the backward pass; changing them in place before it runs is detected. */
  saveForBackward(...tensors: Tensor[]): void;
}

export interface BackwardContext {
  /** The tensors that `forward` saved. */
  readonly saved: readonly Tensor[];
  /** Whether each input needs a gradient. */
  readonly needsInputGrad: readonly boolean[];
}

export interface CustomFunction<Inputs extends readonly Tensor[]> {
  /** Shown in errors. Default: `customFunction`. */
  name?: string;
  /** Computes the result; operations inside are not recorded on the tape. */
  forward(context: ForwardContext, ...inputs: Inputs): Tensor;
  /** Gradients of the inputs (null: none) from the gradient of the result. */
  backward(context: BackwardContext, gradient: Tensor): readonly (Tensor | null)[];
}

/** Makes a function of tensors whose gradient is computed by `backward`. */
export function customFunction<Inputs extends readonly Tensor[]>(
  definition: CustomFunction<Inputs>,
): (...inputs: Inputs) => Tensor {
  const name = definition.name ?? 'customFunction';
  return (...inputs) => {
    const saved: Tensor[] = [];
    const output = noGrad(() =>
      definition.forward({ saveForBackward: (...tensors) => void saved.push(...tensors) }, ...inputs),
    );
    if (!isGradEnabled() || output.isSymbolic || !inputs.some((input) => input.requiresGrad)) return output;
    // A new tensor, so that a forward that returns one of its inputs does not rewire that input.
    const result = new Tensor(output.storage, output.shape, output.dtype, output.backend);
    const rule = backwardRule(definition, name, saved.length, inputs.length);
    record(new TapeNode(name, inputs, 1, saved, rule), [result]);
    return result;
  };
}

/** Made outside of the function it serves, whose variables a closure made there would keep alive. */
function backwardRule<Inputs extends readonly Tensor[]>(
  definition: CustomFunction<Inputs>,
  name: string,
  savedCount: number,
  inputCount: number,
): BackwardRule {
  return ([gradient], savedTensor, needsInputGrad) => {
    if (!gradient) return new Array<null>(inputCount).fill(null);
    const saved = Array.from({ length: savedCount }, (_, index) => savedTensor(index));
    const gradients = definition.backward({ saved, needsInputGrad }, gradient);
    if (gradients.length !== inputCount) {
      throw new AutogradError(
        'GRADIENT_COUNT',
        `The backward of ${name} returned ${gradients.length} gradients for ${inputCount} inputs.`,
      );
    }
    return [...gradients];
  };
}
