/** Results that travel from the page to the process that drives it. */

export interface Outcome {
  passed: number;
  readonly failures: { readonly name: string; readonly message: string }[];
  readonly notes: string[];
}

/** Runs one test and adds its result. */
export async function collect(outcome: Outcome, name: string, test: () => Promise<void>): Promise<void> {
  try {
    await test();
    outcome.passed++;
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    outcome.failures.push({ name, message });
  }
}

/** Fails unless the condition holds. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) {
    throw new Error(message);
  }
}
