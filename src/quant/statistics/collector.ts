/** What calibration learns about a value, sample by sample. */
import { ValidationError } from '../../errors.js';
import { formatShape } from '../../tensor/shape.js';

/** Collects one statistic over the calibration samples. */
export interface Collector {
  add(values: ArrayLike<number>, shape: readonly number[]): void;
}

/** The ends of the range of a value; arrays have one element, or one for each channel. */
export interface RangeStatistics {
  readonly min: Float64Array;
  /** The upper end; of a symmetric quantizer, as a rule, the largest absolute value. */
  readonly max: Float64Array;
}

export interface RangeCollector extends Collector {
  /** Null if there was nothing to see. */
  result(): RangeStatistics | null;
}

/** Checks calibration values: a NaN or infinity would become the range of a quantizer. */
export function requireFinite(values: ArrayLike<number>, shape: readonly number[], where: string): void {
  for (let index = 0; index < values.length; index++) {
    if (!Number.isFinite(values[index])) {
      throw new ValidationError(
        'CALIBRATION_NOT_FINITE',
        `Calibration: ${where} of shape ${formatShape(shape)} holds ${values[index]} at position ${index}. Remove the sample or correct the model; no range can be found from it.`,
        { where, index },
      );
    }
  }
}
