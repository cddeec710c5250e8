/** Datasets of what is in memory already. */
import { ShapeError, ValidationError } from '../errors.js';
import { formatShape } from '../tensor/shape.js';
import { Tensor } from '../tensor/tensor.js';
import { type Collated, selectRow, selectRows } from './collate.js';
import { checkIndex, type Dataset } from './dataset.js';

/** Sample i is the array of every tensor's row i. */
export class TensorDataset<const Tensors extends readonly Tensor[]>
  implements Dataset<{ -readonly [Key in keyof Tensors]: Tensor }>
{
  readonly tensors: Tensors;
  readonly length: number;

  /**
   * @param tensors Tensors [N, ..] with the same N.
   * @throws ValidationError without tensors; ShapeError if they do not have the same first extent
   */
  constructor(...tensors: Tensors) {
    if (tensors.length === 0 || !tensors.every((tensor) => tensor instanceof Tensor && !tensor.isSymbolic)) {
      throw new ValidationError(
        'NO_TENSORS',
        'TensorDataset: give one or more tensors, such as new TensorDataset(images, labels).',
      );
    }
    if (tensors.some(({ shape }) => shape.length === 0 || shape[0] !== tensors[0].shape[0])) {
      throw new ShapeError(
        'ROWS_MISMATCH',
        `TensorDataset: all tensors need the same first extent, the number of samples; their shapes are ${tensors.map(({ shape }) => formatShape(shape)).join(' and ')}.`,
      );
    }
    this.tensors = tensors;
    this.length = tensors[0].shape[0];
  }

  get(index: number): { -readonly [Key in keyof Tensors]: Tensor } {
    checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((tensor) => selectRow(tensor, index)) as { -readonly [Key in keyof Tensors]: Tensor };
  }

  getBatch(indices: readonly number[]): Collated<{ -readonly [Key in keyof Tensors]: Tensor }> {
    for (const index of indices) checkIndex('TensorDataset', index, this.length);
    return this.tensors.map((tensor) => selectRows(tensor, indices)) as Collated<{
      -readonly [Key in keyof Tensors]: Tensor;
    }>;
  }
}
