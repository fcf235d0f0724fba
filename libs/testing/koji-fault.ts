/** What the fake hub answers with a fault. */
export class KojiFault extends Error {
  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}
