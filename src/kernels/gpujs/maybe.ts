/**
 * Values that may still be on their way. The synchronous modes of this backend never see a promise
 * and the others always do; written with these two functions one implementation serves both,
 * and the synchronous one stays synchronous.
 */
export type Maybe<T> = T | Promise<T>;

/** Applies `next` now, or when the value arrives. */
export function after<T, R>(value: Maybe<T>, next: (value: T) => Maybe<R>): Maybe<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All the values, as soon as the last one is there. */
export function all<T>(values: readonly Maybe<T>[]): Maybe<T[]> {
  return values.some((value) => value instanceof Promise) ? Promise.all(values) : (values as T[]);
}

/** Runs `last` however `start` ends: now if it throws or returns, later if it gives a promise. */
export function lastly<T>(start: () => Maybe<T>, last: () => void): Maybe<T> {
  let result: Maybe<T>;
  try {
    result = start();
  } catch (error) {
    last();
    throw error;
  }
  if (result instanceof Promise) {
    return result.finally(last);
  }
  last();
  return result;
}
