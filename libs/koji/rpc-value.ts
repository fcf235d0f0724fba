/** What XML-RPC can say, with Koji's `nil`. Dates come as their text: no method of a hub that Millrace calls has any. */
export type RpcValue = null | boolean | number | string | Buffer | readonly RpcValue[] | RpcStruct;
export interface RpcStruct {
  readonly [name: string]: RpcValue;
}

export type RpcMessage =
  | { readonly kind: 'call'; readonly method: string; readonly params: readonly RpcValue[] }
  | { readonly kind: 'answer'; readonly value: RpcValue }
  | { readonly kind: 'fault'; readonly code: number; readonly text: string };

/** Keyword arguments as Koji has them: one last struct that says so itself. */
export function withNames(positional: readonly RpcValue[], named: RpcStruct): readonly RpcValue[] {
  return [...positional, { ...named, __starstar: true }];
}
