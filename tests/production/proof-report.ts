/** Prints each step with its time and what it found. */
export class ProofReport {
  #held = 0;
  #failures = 0;
  readonly #started = performance.now();

  note(line: string): void {
    process.stdout.write(`      ${line}\n`);
  }

  /** Rejects with what the step rejects with: the next ones would prove nothing. */
  async step(name: string, prove: () => Promise<string | void>): Promise<void> {
    const started = performance.now();
    const found = await prove().catch((error: unknown) => {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    });
    this.#held += 1;
    const detail = found === undefined || found.trim() === '' ? '' : `: ${found.trim().split('\n').at(-1)}`;
    process.stdout.write(`ok    ${name}${detail} (${((performance.now() - started) / 1000).toFixed(1)} s)\n`);
  }

  failed(error: unknown): void {
    this.#failures += 1;
    process.stdout.write(`FAIL  ${error instanceof Error ? error.message : String(error)}\n`);
  }

  /** Whether all held. */
  end(): boolean {
    process.stdout.write(`${this.#held} held, ${this.#failures} failed, ${((performance.now() - this.#started) / 1000).toFixed(0)} s\n`);
    return this.#failures === 0 && this.#held > 0;
  }
}
