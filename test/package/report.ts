/** Counts checks of a script that ends with `N passed, N failed`. */
export class Report {
  #passed = 0;
  #failed = 0;

  /** Runs a check, which fails by throwing; what it returns is told behind its name. */
  async check(name: string, body: () => Promise<string | undefined> | string | undefined): Promise<void> {
    try {
      const note = await body();
      this.#passed++;
      console.log(`passed  ${name}${note === undefined ? '' : `: ${note}`}`);
    } catch (error) {
      if (error instanceof Skip) {
        console.log(`skipped ${name}: ${error.message}`);
        return;
      }
      this.#failed++;
      console.log(`FAILED  ${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  /** Prints the last line, and sets the exit code. */
  end(): void {
    console.log(`\n${this.#passed} passed, ${this.#failed} failed`);
    process.exitCode = this.#failed === 0 ? 0 : 1;
  }
}

/** Thrown by a check that cannot be made here, such as one that needs the network. */
export class Skip extends Error {}

export function ensure(condition: boolean, message: string): void {
  if (!condition) throw new Error(message);
}
