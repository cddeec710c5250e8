/**
 * The tape: for each differentiable result, which inputs it came from and how to turn the gradient
 * of the result into theirs. `backward` walks it from the newest node to the oldest. What a node saved
 * is freed when it has been used, unless the graph is retained.
 */
import { AutogradError, ShapeError } from '../errors.js';
import { full } from '../tensor/create.js';
import { formatShape, type Shape, sameShape } from '../tensor/shape.js';
import { type GradientNode, Tensor } from '../tensor/tensor.js';
import { noGrad } from './gradMode.js';

/** A tensor that the backward pass needs, with the version it had. */
interface SavedTensor {
  readonly tensor: Tensor;
  readonly storage: Tensor['storage'];
  readonly version: number;
}

/** Where the gradient of an input goes: to the node that computed it, or into a leaf. Holds no values of others. */
interface Edge {
  readonly shape: Shape;
  readonly node: TapeNode | null;
  readonly outputIndex: number;
  readonly leaf: Tensor | null;
}

/** Gradients of the inputs from those of the outputs. Must not hold tensors: what it needs is among the saved ones. */
export type BackwardRule = (
  gradients: readonly (Tensor | null)[],
  saved: (index: number) => Tensor,
  needs: readonly boolean[],
  /** Whether the rule may be run again. */
  retain: boolean,
) => (Tensor | null)[];

let nextSequence = 0;

export class TapeNode implements GradientNode {
  readonly name: string;
  /** Nodes are made in the order of the calls, so a larger number never depends on a smaller one's result. */
  readonly sequence = nextSequence++;
  readonly edges: readonly Edge[];
  readonly needs: readonly boolean[];
  readonly outputCount: number;
  #saved: SavedTensor[] | null;
  readonly #rule: BackwardRule;

  constructor(
    name: string,
    inputs: readonly Tensor[],
    outputCount: number,
    saved: readonly Tensor[],
    rule: BackwardRule,
  ) {
    this.name = name;
    this.edges = inputs.map(edgeTo);
    this.needs = inputs.map((input) => input.requiresGrad);
    this.outputCount = outputCount;
    this.#saved = saved.map((tensor) => ({ tensor, storage: tensor.storage, version: tensor.version }));
    this.#rule = rule;
  }

  /** Gradients of the inputs. */
  run(gradients: readonly (Tensor | null)[], retain: boolean): (Tensor | null)[] {
    const saved = this.#saved;
    if (saved === null) {
      throw new AutogradError(
        'TAPE_FREED',
        `backward() ran a second time through ${this.name}, whose saved values are already freed. ` +
          'Compute the loss again, or pass { retainGraph: true } to the first backward().',
        { operation: this.name },
      );
    }
    const savedTensor = (index: number): Tensor => {
      const { tensor, version } = saved[index];
      if (tensor.version !== version) {
        throw new AutogradError(
          'SAVED_TENSOR_CHANGED',
          `A tensor of shape ${formatShape(tensor.shape)} that ${this.name} needs for its gradient was changed in place ` +
            `(it is at version ${tensor.version}, saved at version ${version}). Change it after backward(), or work on a copy.`,
          { operation: this.name },
        );
      }
      return tensor;
    };
    const results = this.#rule(gradients, savedTensor, this.needs, retain);
    results.forEach((gradient, index) => {
      if (gradient && !sameShape(gradient.shape, this.edges[index].shape)) {
        throw new ShapeError(
          'GRADIENT_SHAPE',
          `The backward rule of ${this.name} gave a gradient of shape ${formatShape(gradient.shape)} for input ${index} of shape ${formatShape(this.edges[index].shape)}.`,
        );
      }
    });
    return results;
  }

  free(): void {
    this.#saved = null;
  }

  get freed(): boolean {
    return this.#saved === null;
  }
}

function edgeTo(tensor: Tensor): Edge {
  const node = tensor.gradientNode instanceof TapeNode ? tensor.gradientNode : null;
  return {
    shape: tensor.shape,
    node,
    outputIndex: tensor.outputIndex,
    leaf: node === null && tensor.requiresGrad ? tensor : null,
  };
}

/** Marks `outputs` as computed by a node. */
export function record(node: TapeNode, outputs: readonly Tensor[]): void {
  outputs.forEach((output, index) => {
    if (output.dtype !== 'float32' && output.dtype !== 'float64') return;
    output.gradientNode = node;
    output.outputIndex = index;
  });
}

function accumulate(a: Tensor | null, b: Tensor): Tensor {
  if (a === null) return b;
  const operands = [a, b].map(({ storage, shape, dtype }) => ({ storage, shape, dtype }));
  const [storage] = b.backend.run('binary', operands, { function: 'add' }, [{ shape: b.shape, dtype: b.dtype }]);
  return new Tensor(storage, b.shape, b.dtype, b.backend);
}

export interface BackwardOptions {
  /** Gradient of the result itself. Default: 1 for a tensor with one element; required for others. */
  gradient?: Tensor;
  /** Keep what the tape saved, so that backward() can run again. Default: false. */
  retainGraph?: boolean;
}

/** Adds the gradient of `root` with respect to every leaf that requires one into that leaf's `grad`. */
export function backward(root: Tensor, options: BackwardOptions = {}): void {
  if (!root.requiresGrad) {
    throw new AutogradError(
      'NO_GRADIENT',
      'backward() was called on a tensor that does not depend on any tensor with requiresGrad.',
    );
  }
  if (!options.gradient && root.size !== 1) {
    throw new AutogradError(
      'NOT_A_SCALAR',
      `backward() on a tensor of shape ${formatShape(root.shape)} needs { gradient }; only a tensor with one element has an implicit one.`,
    );
  }
  const gradient = options.gradient ?? full(root.shape, 1, { dtype: root.dtype, backend: root.backend });
  if (!sameShape(gradient.shape, root.shape)) {
    throw new ShapeError(
      'GRADIENT_SHAPE',
      `backward(): the gradient has shape ${formatShape(gradient.shape)}, the tensor ${formatShape(root.shape)}.`,
    );
  }
  backwardFrom([{ root, gradient }], options.retainGraph);
}

/** A result and its gradient, of the result's shape. */
export interface BackwardSeed {
  readonly root: Tensor;
  readonly gradient: Tensor;
}

/**
 * As `backward`, from several results in one walk.
 * @param visit Called with each node before its rule runs.
 */
export function backwardFrom(
  seeds: readonly BackwardSeed[],
  retainGraph = false,
  visit?: (node: GradientNode) => void,
): void {
  noGrad(() => {
    const pending = new Map<TapeNode, (Tensor | null)[]>();
    const deliver = ({ node, outputIndex, leaf }: Edge, gradient: Tensor): void => {
      if (leaf) leaf.grad = accumulate(leaf.grad, gradient);
      if (!node) return;
      const slots = pending.get(node) ?? new Array<Tensor | null>(node.outputCount).fill(null);
      slots[outputIndex] = accumulate(slots[outputIndex], gradient);
      pending.set(node, slots);
    };
    const order = reachable(seeds.map(({ root }) => root));
    for (const { root, gradient } of seeds) deliver(edgeTo(root), gradient);
    for (const node of order) {
      const gradients = pending.get(node);
      pending.delete(node);
      if (!gradients) continue;
      visit?.(node);
      node.run(gradients, retainGraph).forEach((gradient, index) => {
        if (gradient && node.needs[index]) deliver(node.edges[index], gradient);
      });
      if (!retainGraph) node.free();
    }
  });
}

/** Every node that the roots depend on, newest first. */
function reachable(roots: readonly Tensor[]): TapeNode[] {
  const stack = roots.flatMap(({ gradientNode }) => (gradientNode instanceof TapeNode ? [gradientNode] : []));
  const seen = new Set(stack);
  while (stack.length > 0) {
    for (const { node } of stack.pop()?.edges ?? []) {
      if (node && !seen.has(node)) {
        seen.add(node);
        stack.push(node);
      }
    }
  }
  return [...seen].sort((a, b) => b.sequence - a.sequence);
}
