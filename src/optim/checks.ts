/** Range checks of numeric options, with errors that name the option and what it may be. */
import { ValidationError } from '../errors.js';

function fail(where: string, name: string, value: unknown, range: string): never {
  throw new ValidationError('INVALID_OPTION', `${where}: ${name} is ${String(value)}; it must be ${range}.`, {
    option: name,
    value,
  });
}

const isNumber = (value: unknown): value is number => Number.isFinite(value);

/** A finite number. */
export function requireFinite(where: string, name: string, value: unknown): void {
  if (!isNumber(value)) fail(where, name, value, 'a finite number');
}

/** A finite number of at least 0. */
export function requireNonNegative(where: string, name: string, value: unknown): void {
  if (!isNumber(value) || value < 0) fail(where, name, value, 'a finite number of at least 0');
}

/** A finite number above 0. */
export function requirePositive(where: string, name: string, value: unknown): void {
  if (!isNumber(value) || value <= 0) fail(where, name, value, 'a finite number above 0');
}

/** A number in [0, 1). */
export function requireDecay(where: string, name: string, value: unknown): void {
  if (!isNumber(value) || value < 0 || value >= 1) fail(where, name, value, 'at least 0 and below 1');
}

/** A number in [0, 1]. */
export function requireFraction(where: string, name: string, value: unknown): void {
  if (!isNumber(value) || value < 0 || value > 1) fail(where, name, value, 'from 0 to 1');
}

/** A whole number of at least `least`. */
export function requireInteger(where: string, name: string, value: unknown, least: number): void {
  if (!Number.isSafeInteger(value) || (value as number) < least)
    fail(where, name, value, `a whole number of at least ${least}`);
}

export function requireBoolean(where: string, name: string, value: unknown): void {
  if (typeof value !== 'boolean') fail(where, name, value, 'true or false');
}

/** One of a list of names. */
export function requireOneOf(where: string, name: string, value: unknown, choices: readonly string[]): void {
  if (!choices.includes(value as string))
    fail(where, name, value, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
}

/** A check of one option by name, such as `requirePositive`. */
type Check = (where: string, name: string, value: unknown) => void;

/** One value for all parameter groups, or an array with one for each. */
export function requirePerGroup(where: string, name: string, value: unknown, groups: number, check: Check): void {
  if (!Array.isArray(value)) {
    check(where, name, value);
    return;
  }
  if (value.length !== groups)
    fail(where, name, value, `one number, or an array of ${groups}, one for each parameter group`);
  for (const [index, each] of value.entries()) check(where, `${name}[${index}]`, each);
}

/** An array of whole numbers of at least 0. */
export function requireSteps(where: string, name: string, value: unknown): asserts value is readonly number[] {
  if (!Array.isArray(value)) fail(where, name, value, 'an array of whole numbers');
  for (const [index, each] of value.entries()) requireInteger(where, `${name}[${index}]`, each, 0);
}
