/**
 * Parameter groups: which tensors an optimizer trains, and with which options. Everything the user can
 * get wrong about them is found here, before the first step.
 */
import { ValidationError } from '../errors.js';
import { isFloating } from '../kernels/dtype.js';
import { checkOptions } from '../options.js';
import { Tensor } from '../tensor/tensor.js';

/** Options that every optimizer has. */
export interface OptimizerOptions {
  /** Learning rate, at least 0. */
  lr: number;
  /** Weight decay, at least 0. */
  weightDecay: number;
}

/** A group inside an optimizer: its tensors and the options in force. Schedulers change the options. */
export type ParameterGroup<Options> = Options & {
  readonly params: readonly Tensor[];
  /** The learning rate that schedulers start from; set by the first scheduler. */
  initialLr?: number;
};

/** A group as the user writes it: options that are not named are the optimizer's. */
export type ParameterGroupInput<Options> = Partial<Options> & { readonly params: Iterable<Tensor> };

/** Parameters, or groups of them. */
export type ParametersInput<Options> = Iterable<Tensor> | Iterable<ParameterGroupInput<Options>>;

const isIterable = (value: unknown): value is Iterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.iterator in value;

/**
 * The groups that the user's argument means.
 *
 * @throws ValidationError `NO_PARAMETERS`, `NOT_PARAMETERS`
 */
export function groupsOf<Options>(where: string, input: ParametersInput<Options>): ParameterGroupInput<Options>[] {
  if (!isIterable(input)) {
    throw new ValidationError(
      'NOT_PARAMETERS',
      `${where}: give an array of parameters or of groups { params, lr, ... }, such as model.parameters(), not ${describe(input)}.`,
    );
  }
  const items = [...(input as Iterable<unknown>)];
  if (items.length === 0) {
    throw new ValidationError('NO_PARAMETERS', `${where}: there are no parameters to train; the list is empty.`);
  }
  if (items.every((item) => item instanceof Tensor))
    return [{ params: items } as unknown as ParameterGroupInput<Options>];
  const wrong = items.findIndex((item) => !(typeof item === 'object' && item !== null && 'params' in item));
  if (wrong >= 0) {
    throw new ValidationError(
      'NOT_PARAMETERS',
      `${where}: item ${wrong} is ${describe(items[wrong])}; give either only tensors or only groups { params, lr, ... }.`,
      { index: wrong },
    );
  }
  return items as ParameterGroupInput<Options>[];
}

/**
 * A checked group with all options.
 *
 * @param taken Tensors of earlier groups; this group's are added.
 * @throws ValidationError for an unknown option, or a tensor that cannot be trained
 */
export function makeGroup<Options extends object>(
  where: string,
  input: ParameterGroupInput<Options>,
  defaults: Options,
  taken: Set<Tensor>,
): ParameterGroup<Options> {
  const { params, ...given } = input;
  checkOptions(where, given, Object.keys(defaults));
  if (!isIterable(params)) {
    throw new ValidationError('NOT_PARAMETERS', `${where}: params is ${describe(params)}; give an array of tensors.`);
  }
  const list = [...params];
  const seen = new Set(taken);
  list.forEach((parameter, index) => {
    checkParameter(`${where}: parameter ${index}`, parameter, seen);
    seen.add(parameter);
  });
  for (const parameter of list) taken.add(parameter);
  return { ...withDefaults(given as Partial<Options>, defaults), params: list };
}

/** The options with the defaults of those that are absent or undefined. */
export function withDefaults<Options extends object>(given: Partial<Options> | undefined, defaults: Options): Options {
  const overrides = Object.fromEntries(Object.entries(given ?? {}).filter(([, value]) => value !== undefined));
  return { ...defaults, ...overrides };
}

function checkParameter(what: string, parameter: unknown, seen: ReadonlySet<Tensor>): void {
  if (!(parameter instanceof Tensor)) {
    throw new ValidationError('NOT_PARAMETERS', `${what} is ${describe(parameter)}, not a tensor.`);
  }
  if (parameter.isSymbolic) {
    throw new ValidationError('SYMBOLIC_PARAMETER', `${what} is symbolic: it has no values that could be trained.`);
  }
  if (!parameter.isLeaf) {
    throw new ValidationError(
      'NOT_A_LEAF',
      `${what} (${parameter.toString()}) was computed from other tensors; only leaves can be trained. ` +
        'Give the tensors it was computed from, or a copy: tensor.detach() with requiresGrad = true.',
    );
  }
  if (!isFloating(parameter.dtype)) {
    throw new ValidationError(
      'PARAMETER_DTYPE',
      `${what} is ${parameter.dtype}; only floating-point tensors can be trained.`,
    );
  }
  if (seen.has(parameter)) {
    throw new ValidationError(
      'DUPLICATE_PARAMETER',
      `${what} (${parameter.toString()}) was already given; a parameter that is listed twice would be updated twice.`,
    );
  }
}

function describe(value: unknown): string {
  if (value instanceof Tensor) return 'a single tensor';
  if (value === null || typeof value !== 'object') return String(value);
  return `an object of class ${value.constructor?.name ?? 'null'}`;
}
