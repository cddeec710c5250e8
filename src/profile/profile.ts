/**
 * Where the time of a training step goes: every step of the plans that it runs and every kernel that it calls, with its
 * time, its work, and how near that is to what the machine can do.
 */
import { BackendError, ValidationError } from '../errors.js';
import { GraphModule } from '../graph/graphModule.js';
import { trace } from '../graph/trace.js';
import { WasmBackend } from '../kernels/wasm/backend.js';
import type { StepTime } from '../kernels/wasm/profiler.js';
import type { Module } from '../nn/module.js';
import { flattenOutputs } from '../nn/structure.js';
import { checkOptions } from '../options.js';
import { defaultBackend } from '../tensor/backend.js';
import { ones } from '../tensor/create.js';
import type { Tensor } from '../tensor/tensor.js';
import { LimitsMeter, type MachineLimits } from './limits.js';

export interface ProfileOptions {
  /** Runs that are measured; times are medians over them. Default: 5. */
  readonly runs?: number;
  /** Runs before, in which plans are made and the engine compiles. Default: 3. */
  readonly warmup?: number;
}

/** One step of a plan, or one kernel call. */
export interface ProfiledStep extends StepTime {
  /** Of the sum over all steps, 0 to 1. */
  readonly share: number;
  /** What the step's speed is measured in. */
  readonly unit: 'GF/s' | 'GB/s';
  /** Of convolutions and matrix products, two operations a multiply-add; of everything else, bytes read and written. */
  readonly speed: number;
  /**
   * The least time that the machine's limits leave for the step's work, divided by its time. Above 1 where values come
   * from a cache instead of the memory, or an algorithm such as Winograd's saves multiply-adds.
   */
  readonly ofLimit: number;
}

/** All steps of one kernel. */
export interface KernelTotal {
  readonly name: string;
  readonly steps: number;
  readonly milliseconds: number;
  readonly share: number;
  readonly ofLimit: number;
}

export interface Profile {
  /** The slowest first. */
  readonly steps: readonly ProfiledStep[];
  /** The slowest first. */
  readonly kernels: readonly KernelTotal[];
  /** Sum over the steps. */
  readonly milliseconds: number;
  /** Of a whole run without a profile, with what JavaScript does between steps; a median. */
  readonly runMilliseconds: number;
  /** The least time that the limits leave for all steps. */
  readonly limitMilliseconds: number;
  readonly limits: MachineLimits;
  readonly threads: number;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

/** Lets threads start: they join between turns of the event loop. */
const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * Profiles whatever `step` does on the default backend, such as a training step. It is run `warmup + 2 runs` times, so it
 * should do the same each time, and it must not be asynchronous.
 * @throws BackendError `PROFILE_BACKEND` if the default backend is not `wasm`
 * @throws ValidationError `PROFILE_OPTION`, `UNKNOWN_OPTION`; `PROFILE_EMPTY` if no kernel ran
 */
export async function profileStep(step: () => unknown, options: ProfileOptions = {}): Promise<Profile> {
  checkOptions('profileStep', options, ['runs', 'warmup']);
  const { runs = 5, warmup = 3 } = options;
  const wrong = Object.entries({ runs, warmup }).find(
    ([name, value]) => !Number.isInteger(value) || value < (name === 'runs' ? 1 : 0),
  );
  if (wrong) {
    throw new ValidationError('PROFILE_OPTION', `profileStep: ${wrong[0]} is a whole number of runs, not ${wrong[1]}.`);
  }
  const backend = defaultBackend();
  if (!(backend instanceof WasmBackend)) {
    throw new BackendError(
      'PROFILE_BACKEND',
      `Only the 'wasm' backend can be profiled; tensors live on '${backend.name}' now. Call await init({ backend: 'wasm' }) before the model is made.`,
    );
  }
  for (let run = 0; run < warmup; run++) {
    step();
    await pause(run === 0 ? 50 : 0);
  }
  const wholes: number[] = [];
  const lists: StepTime[][] = [];
  const meter = new LimitsMeter(backend);
  try {
    for (let run = 0; run < runs; run++) {
      const started = performance.now();
      step();
      wholes.push(performance.now() - started);
      lists.push(backend.profile(() => void step()));
      // In between, so that other programs on the machine slow both.
      meter.measure(2);
    }
  } finally {
    meter.release();
  }
  return evaluate(mediansOf(lists), median(wholes), meter.limits, backend.info().threads);
}

export interface ModelProfileOptions extends ProfileOptions {
  /** Whether a backward pass follows, from a gradient of ones. Default: whether the model is in training mode. */
  readonly backward?: boolean;
}

/**
 * Profiles a model: its forward pass in the mode it is in, and its backward pass. Gradients are removed afterwards; in
 * training mode running statistics move on, as in any training step.
 * @param inputs What `forward` is called with.
 * @throws As `profileStep`, and what `forward` throws.
 */
export async function profileModel(
  model: Module,
  inputs: readonly Tensor[],
  options: ModelProfileOptions = {},
): Promise<Profile> {
  checkOptions('profileModel', options, ['runs', 'warmup', 'backward']);
  const { backward = model.training, ...rest } = options;
  const planned = model instanceof GraphModule ? model : traced(model, inputs);
  const clear = (): void => {
    for (const parameter of planned.parameters()) parameter.grad = null;
  };
  const step = (): void => {
    clear();
    const { tensors } = flattenOutputs(planned.forward(...inputs));
    if (!backward) return;
    const differentiable = tensors.filter(({ requiresGrad }) => requiresGrad);
    differentiable.forEach((output, index) => {
      const { shape, dtype, backend } = output;
      output.backward({
        gradient: ones(shape, { dtype, backend }),
        retainGraph: index < differentiable.length - 1,
      });
    });
  };
  try {
    return await profileStep(step, rest);
  } finally {
    clear();
  }
}

/** The model as a graph over the same parameters, which runs from plans. */
function traced(model: Module, inputs: readonly Tensor[]): GraphModule {
  const { graph, structure } = trace(model, [...inputs]);
  const planned = new GraphModule(graph, structure);
  return model.training ? planned.train() : planned.eval();
}

/** One list with the median of each time, from those lists that are like the last one. */
function mediansOf(lists: readonly (readonly StepTime[])[]): StepTime[] {
  const last = lists[lists.length - 1];
  const isAlike = (list: readonly StepTime[]): boolean =>
    list.length === last.length && list.every(({ name, part }, at) => name === last[at].name && part === last[at].part);
  const alike = lists.filter(isAlike);
  return last.map((step, at) => ({ ...step, milliseconds: median(alike.map((list) => list[at].milliseconds)) }));
}

function evaluate(times: readonly StepTime[], whole: number, limits: MachineLimits, threads: number): Profile {
  if (times.length === 0) {
    throw new ValidationError(
      'PROFILE_EMPTY',
      'No kernel ran on the default backend. Are the model and its inputs on another one?',
    );
  }
  const milliseconds = times.reduce((sum, step) => sum + step.milliseconds, 0);
  const leastOf = ({ multiplyAdds, bytes }: StepTime): number =>
    1000 * Math.max(multiplyAdds / limits.multiplyAddsPerSecond, bytes / limits.bytesPerSecond);
  const steps = times.map((step): ProfiledStep => {
    const calculates = step.multiplyAdds > 0;
    // A step that is too short for the clock has no speed.
    const seconds = Math.max(step.milliseconds, 1e-6) / 1000;
    return {
      ...step,
      share: step.milliseconds / milliseconds,
      unit: calculates ? 'GF/s' : 'GB/s',
      speed: (calculates ? 2 * step.multiplyAdds : step.bytes) / seconds / 1e9,
      ofLimit: leastOf(step) / 1000 / seconds,
    };
  });
  const names = [...new Set(times.map(({ name }) => name))];
  const kernels = names.map((name): KernelTotal => {
    const own = times.filter((step) => step.name === name);
    const total = own.reduce((sum, step) => sum + step.milliseconds, 0);
    const least = own.reduce((sum, step) => sum + leastOf(step), 0);
    return {
      name,
      steps: own.length,
      milliseconds: total,
      share: total / milliseconds,
      ofLimit: least / Math.max(total, 1e-6),
    };
  });
  const slowestFirst = <T extends { readonly milliseconds: number }>(list: readonly T[]): T[] =>
    [...list].sort((a, b) => b.milliseconds - a.milliseconds);
  return {
    steps: slowestFirst(steps),
    kernels: slowestFirst(kernels),
    milliseconds,
    runMilliseconds: whole,
    limitMilliseconds: times.reduce((sum, step) => sum + leastOf(step), 0),
    limits,
    threads,
  };
}
