/** How the networks of nets.py are built with this library's layers: the same names, layers and data flow. */
import * as nn from '../../../../src/nn/index.js';
import type { QuantizeOptions } from '../../../../src/quant/quantize.js';
import { zeros } from '../../../../src/tensor/create.js';
import type { Tensor } from '../../../../src/tensor/tensor.js';

type Layer = nn.Module & { forward(x: Tensor): unknown };
/** Layers and parameters by name; calling one is its forward. */
export type Layers = Record<string, Layer | nn.Parameter>;
export type Call = (x: Tensor) => Tensor;
type Run = (call: Readonly<Record<string, Call>>, inputs: readonly Tensor[], layers: Layers) => Tensor | Tensor[];

export class Net extends nn.Module {
  readonly #run: Run;

  constructor(layers: Layers, run: Run) {
    super();
    Object.assign(this, layers);
    this.#run = run;
  }

  override forward(...inputs: Tensor[]): unknown {
    const layers = Object.fromEntries(Object.entries(this)) as Layers;
    const call = new Proxy({}, { get: (_, name: string) => (x: Tensor) => (layers[name] as Layer).forward(x) });
    return this.#run(call as Record<string, Call>, inputs, layers);
  }
}

export interface NetDefinition {
  readonly layers: () => Layers;
  readonly run: Run;
  readonly options?: QuantizeOptions;
}

export const relu = (): nn.Module => new nn.ReLU();
export const conv = (cin: number, cout: number, kernel = 3, padding = 1, options: nn.Conv2dOptions = {}): nn.Conv2d =>
  new nn.Conv2d(cin, cout, kernel, { padding, ...options });

export function convBn(
  cin: number,
  cout: number,
  act?: () => nn.Module,
  options: nn.Conv2dOptions = {},
  kernel = 3,
): nn.Module {
  const layers = [conv(cin, cout, kernel, kernel === 1 ? 0 : 1, { bias: false, ...options }), new nn.BatchNorm2d(cout)];
  return new nn.Sequential(...layers, ...(act ? [act()] : []));
}

export function tied(): Layers {
  const [a, b] = [new nn.Linear(6, 6), new nn.Linear(6, 6)];
  Object.defineProperty(b, 'weight', { value: a.weight, enumerable: true });
  return { a, b, relu: relu() };
}

export const parameter = (...shape: number[]): nn.Parameter => new nn.Parameter(zeros(shape));
export const tensorOf = (layers: Layers, name: string): Tensor => layers[name] as nn.Parameter;
export const qkv = (): Layers => ({
  q: new nn.Linear(8, 8),
  k: new nn.Linear(8, 8),
  v: new nn.Linear(8, 8),
  proj: new nn.Linear(8, 4),
});
export const image = (
  layers: () => Layers,
  run: (call: Readonly<Record<string, Call>>, x: Tensor, layers: Layers) => Tensor | Tensor[],
): NetDefinition => ({
  layers,
  run: (call, [x], own) => run(call, x, own),
});
