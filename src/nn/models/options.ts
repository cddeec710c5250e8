/** What the builders of image models share: the options that all have, and their checks. */
import { ValidationError } from '../../errors.js';
import { checkOptions } from '../../options.js';
import { checkCount, checkNumber } from '../layers/checks.js';

export interface ImageModelOptions {
  /** Channels of the images. Default: 3. */
  inChannels?: number;
}

export interface ClassifierOptions extends ImageModelOptions {
  /** Number of classes, the last axis of the result. Default: 1000, as ImageNet's. */
  numClasses?: number;
}

export interface DropoutOption {
  /** Share of the values that dropout zeroes in front of the classifier while training, 0 to 1. */
  dropout?: number;
}

/** Checked options of a classifier. `defaults` also names every option that the model has. */
export function readOptions<T extends Readonly<Record<string, unknown>>>(
  where: string,
  options: Readonly<Record<string, unknown>> | undefined,
  defaults: T,
): T {
  checkOptions(where, options, Object.keys(defaults));
  const given = Object.entries(options ?? {}).filter(([, value]) => value !== undefined);
  const result = { ...defaults, ...Object.fromEntries(given) };
  for (const [name, value] of Object.entries(result)) {
    const normal = defaults[name];
    if (name === 'dropout') checkNumber(where, name, value, 0, 1);
    else if (typeof normal === 'number') checkCount(where, name, value);
    else if (typeof normal === 'boolean' && typeof value !== 'boolean') {
      throw new ValidationError('INVALID_OPTION', `${where}: ${name} must be true or false, not ${String(value)}.`, {
        option: name,
      });
    }
  }
  return result;
}

/** Checks a choice between names. */
export function chooseFrom<T extends string>(where: string, name: string, value: T, known: readonly T[]): T {
  if (known.includes(value)) return value;
  throw new ValidationError(
    'INVALID_OPTION',
    `${where}: ${name} is '${String(value)}', but must be one of ${known.map((item) => `'${item}'`).join(', ')}.`,
    { option: name, known },
  );
}
