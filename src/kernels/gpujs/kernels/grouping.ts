/** The elements of a dense tensor as groups along some of its axes, the device's form of reference/groups.ts. */
import { denseStrides } from '../../reference/strides.js';
import { sizeOf } from '../program.js';
import { stridedPositions } from './source.js';

export interface Grouping {
  readonly groups: number;
  /** Number of elements of each group. */
  readonly elements: number;
  /** Declares `group`, the group of the tensor's element `index`. */
  groupOf(index: string): string;
  /** Declares `start`, which `positionOf` takes, of the variable `group`. */
  readonly start: string;
  /** Declares `position`, where the element `element` of the group at `start` lies in the tensor. */
  positionOf(element: string): string;
}

/** Groups the elements that differ in `axes` only. */
export function groupElements(shape: readonly number[], axes: readonly number[]): Grouping {
  const strides = denseStrides(shape);
  const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
  const pick = (list: readonly number[], chosen: readonly number[]): number[] => chosen.map((axis) => list[axis]);
  const keptShape = pick(shape, kept);
  const groupedShape = pick(shape, axes);
  const groupStrides = shape.map(() => 0);
  denseStrides(keptShape).forEach((stride, index) => {
    groupStrides[kept[index]] = stride;
  });
  return {
    groups: sizeOf(keptShape),
    elements: sizeOf(groupedShape),
    groupOf: (index) => stridedPositions(index, shape, [{ strides: groupStrides }], ['group']),
    start: stridedPositions('group', keptShape, [{ strides: pick(strides, kept) }], ['start']),
    positionOf: (element) => `
        ${stridedPositions(element, groupedShape, [{ strides: pick(strides, axes) }], ['step'])}
        const position = start + step;`,
  };
}
