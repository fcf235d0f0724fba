import parseExpression from 'spdx-expression-parse';

type Expression = ReturnType<typeof parseExpression>;

/**
 * Whether the conditions of a licence expression can be met with these licences alone: of `A OR B` one is enough, of `A AND B` both are needed.
 * `A+` and `A WITH exception` are met by `A`. Undefined when the text is no SPDX expression (or nested too deep).
 */
export function licenceSatisfied(text: string, has: (id: string) => boolean): boolean | undefined {
  try {
    return satisfied(parseExpression(text), has);
  } catch {
    return undefined;
  }
}

function satisfied(expression: Expression, has: (id: string) => boolean): boolean {
  if (!('conjunction' in expression)) return has(expression.license);
  const left = satisfied(expression.left, has);
  return expression.conjunction === 'or' ? left || satisfied(expression.right, has) : left && satisfied(expression.right, has);
}
