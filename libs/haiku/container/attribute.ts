/** One node of the trees that describe a package and its files. */
export interface Attribute {
  /** See `attributeIds`; others belong to later minor versions of the format, and are kept out of what is made of them. */
  readonly id: number;
  readonly value: AttributeValue;
  readonly children: readonly Attribute[];
}

export type AttributeValue = number | string | Buffer | HeapReference;

/** Raw data in the uncompressed heap. */
export interface HeapReference {
  readonly offset: number;
  readonly size: number;
}

export function childrenOf(attributes: readonly Attribute[], id: number): readonly Attribute[] {
  return attributes.filter((attribute) => attribute.id === id);
}

/** Texts of all attributes with this id. */
export function textsOf(attributes: readonly Attribute[], id: number): string[] {
  return attributes.flatMap((attribute) => (attribute.id === id && typeof attribute.value === 'string' ? [attribute.value] : []));
}
