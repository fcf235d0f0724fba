/** Lower-case letters, digits, `.`, `_` and `-`; up to 128, the first a letter or digit. `<name>.repo`, `<name>.json` and `<name>.mirrors` are beside the name. */
export const composeNamePattern = /^(?!.*\.(?:repo|json|mirrors)$)[a-z0-9][a-z0-9._-]{0,127}$/;
