/** Signs what clients trust. Errors: `key-not-found`, `signing-unavailable` (worth another attempt), `invalid-setting`. */
export interface SigningKeys {
  /** All keys, by name; public halves only. */
  list(): Promise<readonly SigningKey[]>;
  /**
   * Armoured OpenPGP signature of bytes: `repomd.xml.asc`, `Release.gpg`. Several keys: several signatures in one armour, so that clients with the old or the new key believe it.
   * `at`, RFC 3339: the time of the signature, so that the service's own keys make the same bytes when they sign again; now without it.
   */
  detached(keys: readonly string[], content: Buffer, about?: SigningTime): Promise<string>;
  /** Text with an OpenPGP signature around it: `InRelease`. */
  cleartext(keys: readonly string[], text: string, about?: SigningTime): Promise<string>;
  /** The file that `minisign -S` would write beside `fileName`, prehashed (`ED`); one key. `at`: RFC 3339, for the trusted comment. */
  minisign(key: string, content: Buffer, about: { readonly fileName: string; readonly at: string }): Promise<string>;
  close(): Promise<void>;
}

export interface SigningTime {
  readonly at: string;
}

export interface SigningKey {
  readonly name: string;
  readonly kind: 'openpgp' | 'minisign';
  /** Upper-case hex of an OpenPGP key, of a minisign key's id. */
  readonly fingerprint: string;
  /** Armoured OpenPGP key, or the base64 line of minisign: what clients are given. */
  readonly publicKey: string;
  /** RFC 3339; null: never. */
  readonly expiresAt: string | null;
  /** Who has the secret half: a file of this service, or another program. */
  readonly held: 'service' | 'external';
}
