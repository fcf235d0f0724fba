/** Of the process that accepts tokens: it is told to accept one, and says what came of it. */
export interface AcceptToken {
  readonly id: number;
  /** Base64. */
  readonly token: string;
}

export type AcceptorMessage =
  | { readonly ready: true }
  | { readonly unusable: string }
  | { readonly id: number; readonly refused: string }
  /** `name` and `service` with their realms; `reply` in base64. */
  | { readonly id: number; readonly name: string; readonly service: string; readonly reply: string | null };
