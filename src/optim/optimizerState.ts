/** The saved form of an optimizer, and the checks that it fits before anything is taken over. */
import { ValidationError } from '../errors.js';
import { cast } from '../ops/elementwise/convert.js';
import { formatShape, sameShape } from '../tensor/shape.js';
import type { Tensor } from '../tensor/tensor.js';
import type { ParameterGroup } from './parameterGroup.js';
import { ParameterState } from './parameterState.js';

/** One group in JSON: its options, and for each parameter its number and how often it was updated. */
export interface SavedGroup {
  readonly params: readonly number[];
  readonly steps: readonly number[];
  readonly [option: string]: unknown;
}

/** What `stateDict()` gives. */
export interface OptimizerState {
  /** Running averages by `<parameter number>.<name>`, such as `0.momentumBuffer`. Parameters count through all groups. */
  readonly state: ReadonlyMap<string, Tensor>;
  /** Plain JSON. */
  readonly groups: readonly SavedGroup[];
}

/** What `readState` found. */
interface ReadState {
  /** Options of each group. */
  readonly groups: readonly Record<string, unknown>[];
  readonly states: readonly (readonly [Tensor, ParameterState])[];
}

/**
 * Checks a saved state against an optimizer's groups and turns it into what the optimizer keeps.
 *
 * @throws ValidationError `OPTIMIZER_STATE_MISMATCH` with every problem that was found
 */
export function readState(
  where: string,
  saved: OptimizerState,
  own: readonly ParameterGroup<object>[],
  buffers: { readonly always: readonly string[]; readonly sometimes: readonly string[] },
  optionNames: readonly string[],
): ReadState {
  const problems: string[] = [];
  if (!(saved?.state instanceof Map) || !Array.isArray(saved.groups)) {
    throw mismatch(where, ['it has no map `state` or no array `groups`; give what stateDict() returned']);
  }
  if (saved.groups.length !== own.length) {
    throw mismatch(where, [`it has ${saved.groups.length} parameter groups, this optimizer ${own.length}`]);
  }
  const states: [Tensor, ParameterState][] = [];
  const groups: Record<string, unknown>[] = [];
  const used = new Set<string>();
  saved.groups.forEach((group, position) => {
    const { params, steps, initialLr, ...options } = group;
    const mine = own[position].params;
    if (!Array.isArray(params) || params.length !== mine.length) {
      throw mismatch(where, [
        `group ${position} has ${params?.length ?? 'no'} parameters, this optimizer's has ${mine.length}`,
      ]);
    }
    if (
      !Array.isArray(steps) ||
      steps.length !== mine.length ||
      !steps.every((step) => Number.isSafeInteger(step) && step >= 0)
    ) {
      problems.push(
        `group ${position} does not say how often each of its ${mine.length} parameters was updated (steps)`,
      );
    }
    if (initialLr !== undefined && !Number.isFinite(initialLr))
      problems.push(`initialLr of group ${position} is not a number`);
    const unknown = Object.keys(options).filter((name) => !optionNames.includes(name));
    const missing = optionNames.filter((name) => !(name in options));
    if (unknown.length > 0)
      problems.push(`group ${position} has options that ${where} does not have: ${unknown.join(', ')}`);
    if (missing.length > 0) problems.push(`group ${position} lacks the options ${missing.join(', ')}`);
    groups.push(structuredClone(initialLr === undefined ? options : { ...options, initialLr }));
    mine.forEach((parameter, offset) => {
      // The numbers of a group need not follow on those of the group before.
      const prefix = `${params[offset]}.`;
      const state = new ParameterState(parameter);
      state.step = Number(steps?.[offset] ?? 0);
      for (const name of [...buffers.always, ...buffers.sometimes]) {
        const value = saved.state.get(prefix + name);
        if (value) {
          used.add(prefix + name);
          const problem = unfit(prefix + name, value, parameter);
          if (problem) problems.push(problem);
          else state.buffers.set(name, cast(value.detach(), parameter.dtype));
        } else if (state.step > 0 && buffers.always.includes(name)) problems.push(`${prefix}${name} is missing`);
      }
      if (state.step > 0 || state.buffers.size > 0) states.push([parameter, state]);
    });
  });
  const unexpected = [...saved.state.keys()].filter((name) => !used.has(name));
  if (unexpected.length > 0) problems.push(`unexpected: ${unexpected.join(', ')}`);
  const numbers = saved.groups.flatMap(({ params }) => params);
  if (new Set(numbers).size !== numbers.length) problems.push('a parameter number occurs twice');
  if (problems.length > 0) throw mismatch(where, problems);
  return { groups, states };
}

function unfit(name: string, value: Tensor, parameter: Tensor): string | null {
  if (!sameShape(value.shape, parameter.shape)) {
    return `${name} has shape ${formatShape(value.shape)}, its parameter ${formatShape(parameter.shape)}`;
  }
  if (value.backend !== parameter.backend) {
    return `${name} is on ${value.backend.name}, its parameter on ${parameter.backend.name} (move it with await tensor.to(backend))`;
  }
  return null;
}

const mismatch = (where: string, problems: readonly string[]): ValidationError =>
  new ValidationError(
    'OPTIMIZER_STATE_MISMATCH',
    `The state does not fit this ${where}; nothing was loaded. ${problems.join('; ')}.`,
    {
      problems,
    },
  );
