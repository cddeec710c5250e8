/**
 * Index arithmetic of kernels whose elements read, along each axis on its own, one element of another array or none:
 * padding, and the gradient of slicing.
 */
import { splitIndex } from './source.js';

/** One axis of the result, and what it reads. */
export interface SourceAxis {
  readonly extent: number;
  /** Extent of the array that is read. */
  readonly sourceExtent: number;
  /**
   * Statements that declare by `let` the variable `name`, the index that is read for the index `digit`. Outside the array
   * nothing is read. Undefined where the two are the same.
   */
  readonly source?: ((digit: string, name: string) => string) | undefined;
}

/** Neighbouring axes that are read as they are, joined. */
function joinedAxes(axes: readonly SourceAxis[]): SourceAxis[] {
  const joined: SourceAxis[] = [];
  for (const axis of axes) {
    const last = joined[joined.length - 1];
    if (last !== undefined && last.source === undefined && axis.source === undefined) {
      joined[joined.length - 1] = {
        extent: last.extent * axis.extent,
        sourceExtent: last.sourceExtent * axis.sourceExtent,
      };
    } else {
      joined.push(axis);
    }
  }
  return joined;
}

/**
 * Declares `position`, the position that the element `index` of a row-major result reads; -1 for none. The names of what it
 * declares besides begin with `position`.
 */
export function gridPositions(index: string, all: readonly SourceAxis[], position: string): string {
  const axes = joinedAxes(all);
  const lines: string[] = [];
  const terms: string[] = [];
  const outside: string[] = [];
  let rest = index;
  let stride = 1;
  for (let axis = axes.length - 1; axis >= 0; axis--) {
    const { extent, sourceExtent, source } = axes[axis];
    let digit = rest;
    if (axis > 0) {
      digit = `${position}Digit${axis}`;
      lines.push(splitIndex(rest, extent, `${position}Rest${axis}`, digit));
      rest = `${position}Rest${axis}`;
    }
    let read = digit;
    if (source !== undefined) {
      read = `${position}Source${axis}`;
      lines.push(source(digit, read));
      outside.push(`if (${read} < 0 || ${read} >= ${sourceExtent}) { ${position} = -1; }`);
    }
    terms.push(stride === 1 ? read : `${read} * ${stride}`);
    stride *= sourceExtent;
  }
  lines.push(`let ${position} = ${terms.join(' + ') || '0'};`, ...outside);
  return lines.join('\n    ');
}
