/** Checks of constructor arguments, so that a mistake shows where the layer is made and not where it first runs. */
import { ValidationError } from '../../errors.js';

const show = (value: unknown): string =>
  typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? String(value));

/** A whole number of at least `least` (default 1), such as a number of channels. */
export function checkCount(where: string, name: string, value: unknown, least = 1): number {
  if (!Number.isSafeInteger(value) || (value as number) < least) {
    throw new ValidationError(
      'BAD_COUNT',
      `${where}: ${name} is ${show(value)}; it must be a whole number of at least ${least}.`,
      { [name]: value },
    );
  }
  return value as number;
}

/** A finite number between `low` and `high`, both included. */
export function checkNumber(
  where: string,
  name: string,
  value: unknown,
  low = Number.NEGATIVE_INFINITY,
  high = Number.POSITIVE_INFINITY,
): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= low && value <= high) return value;
  const range =
    high < Number.POSITIVE_INFINITY
      ? ` from ${low} to ${high}`
      : low > Number.NEGATIVE_INFINITY
        ? ` of at least ${low}`
        : '';
  throw new ValidationError('BAD_NUMBER', `${where}: ${name} is ${show(value)}; it must be a finite number${range}.`, {
    [name]: value,
  });
}

/** Groups that divide both numbers of channels. */
export function checkGroups(where: string, groups: unknown, inChannels: number, outChannels: number): number {
  const count = checkCount(where, 'groups', groups);
  if (inChannels % count !== 0 || outChannels % count !== 0) {
    throw new ValidationError(
      'BAD_GROUPS',
      `${where}: ${count} groups must divide inChannels (${inChannels}) and outChannels (${outChannels}).`,
      { groups: count, inChannels, outChannels },
    );
  }
  return count;
}
