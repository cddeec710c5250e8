/** Whether operations are recorded on the tape. */
let enabled = true;

export const isGradEnabled = (): boolean => enabled;

function withGradMode<T>(mode: boolean, body: () => T): T {
  const previous = enabled;
  enabled = mode;
  let result: T;
  try {
    result = body();
  } catch (error) {
    enabled = previous;
    throw error;
  }
  if (result instanceof Promise) {
    // Other code may run while an asynchronous body waits, so the mode holds until it settles.
    return result.finally(() => {
      enabled = previous;
    }) as T;
  }
  enabled = previous;
  return result;
}

/** Runs `body` without recording a gradient history. An asynchronous body keeps the mode until it settles. */
export const noGrad = <T>(body: () => T): T => withGradMode(false, body);

/** Runs `body` with recording on, inside a `noGrad`. */
export const enableGrad = <T>(body: () => T): T => withGradMode(true, body);
