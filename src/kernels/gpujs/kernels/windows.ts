/** Pieces of source for gradients of kernels that slide a window: which output reads a pixel through which tap. */
import { splitIndex } from './source.js';

/** A window along one axis. */
export interface WindowAxis {
  readonly stride: number;
  readonly padBegin: number;
  readonly dilation: number;
  /** Number of outputs along the axis. */
  readonly outputs: number;
}

/**
 * Declares `output`, the output position whose window holds `pixel` at its tap `tap`, and gives the
 * condition that there is one.
 */
export function outputOfTap(
  { stride, padBegin, dilation, outputs }: WindowAxis,
  pixel: string,
  tap: string,
  output: string,
): { readonly declaration: string; readonly condition: string } {
  const shifted = `${pixel} + ${padBegin} - ${tap} * ${dilation}`;
  const inside = `${output} >= 0 && ${output} < ${outputs}`;
  return stride === 1
    ? { declaration: `const ${output} = ${shifted};`, condition: inside }
    : {
        declaration: `const ${output}Shifted = ${shifted};
        ${splitIndex(`${output}Shifted`, stride, output, `${output}Rest`)}`,
        condition: `${output}Rest < 0.5 && ${inside}`,
      };
}
