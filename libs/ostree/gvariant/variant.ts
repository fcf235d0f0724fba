/**
 * Values as the reader gives and the writer takes them, by type: `y` a number, `b` a boolean, `q i u` numbers, `x t` bigints, `s` a string, `ay` a Buffer, other arrays,
 * tuples and dictionary entries arrays in their order, `v` a value with its type.
 */
export type VariantValue = number | bigint | boolean | string | Buffer | TypedValue | readonly VariantValue[];

export interface TypedValue {
  readonly signature: string;
  readonly value: VariantValue;
}

export function isTyped(value: VariantValue): value is TypedValue {
  return typeof value === 'object' && !Array.isArray(value) && !Buffer.isBuffer(value);
}
