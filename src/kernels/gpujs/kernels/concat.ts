/**
 * Joins arrays along an axis. An element looks for the input that it comes from. WebGPU promises few buffers to a launch,
 * so that many inputs are joined in groups first.
 */
import { type Program, type ProgramWriter, type Step, type StepArgument, sizeOf } from '../program.js';
import { splitIndex } from './source.js';

/** Most arrays that one launch joins. */
const MOST_INPUTS = 6;

/** An array to join: how many of its elements follow each other in the result, and where it is. */
interface Part {
  readonly row: number;
  readonly argument: StepArgument;
}

/** The step that joins rows of the parts in turn. */
function join(parts: readonly Part[], rows: number): Step {
  const row = parts.reduce((sum, part) => sum + part.row, 0);
  const names = parts.map((_, index) => `x${index}`);
  let begin = 0;
  const reads = parts.map((part, index) => {
    const first = begin;
    begin += part.row;
    const read = `joined = x${index}[row * ${part.row} + column - ${first}];`;
    return parts.length === 1 ? read : `if (column >= ${first} && column < ${begin}) { ${read} }`;
  });
  return {
    source: `function (${names.join(', ')}) {
    ${splitIndex('this.thread.x', row, 'row', 'column')}
    let joined = 0;
    ${reads.join('\n    ')}
    return joined;
  }`,
    length: rows * row,
    arguments: parts.map((part) => part.argument),
  };
}

export const concat: ProgramWriter<'concat'> = (inputs, { axis }, [output]): Program => {
  const rows = sizeOf(output.shape.slice(0, axis));
  const steps: Step[] = [];
  let parts = inputs.map(({ shape }, index): Part => ({ row: sizeOf(shape) / rows, argument: { input: index } }));
  do {
    const groups = Array.from({ length: Math.ceil(parts.length / MOST_INPUTS) }, (_, index) =>
      parts.slice(index * MOST_INPUTS, (index + 1) * MOST_INPUTS),
    );
    parts = groups.map((group) => {
      if (group.length === 1 && groups.length > 1) {
        return group[0];
      }
      const step = join(group, rows);
      steps.push(step);
      return { row: step.length / rows, argument: { step: steps.length - 1 } };
    });
  } while (parts.length > 1);
  return { steps, outputs: [steps.length - 1] };
};
