/** A stable name of composes: lower-case letters, digits, `.`, `_` and `-`; up to 128, the first a letter or digit. */
export const composeNamePattern = /^[a-z0-9][a-z0-9._-]{0,127}$/;
