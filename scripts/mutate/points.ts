import ts from 'typescript';

/** One change of one place of a source file. */
export interface Mutant {
  readonly file: string;
  readonly start: number;
  readonly end: number;
  readonly line: number;
  /** The text that stands there, and what takes its place. */
  readonly was: string;
  readonly now: string;
  /** The whole line, to be read and to tell a mutant by. */
  readonly context: string;
}

const { SyntaxKind: K } = ts;

const OPERATORS: ReadonlyMap<ts.SyntaxKind, string> = new Map([
  [K.PlusToken, '-'],
  [K.MinusToken, '+'],
  [K.AsteriskToken, '/'],
  [K.SlashToken, '*'],
  [K.PercentToken, '*'],
  [K.AsteriskAsteriskToken, '*'],
  [K.LessThanToken, '<='],
  [K.LessThanEqualsToken, '<'],
  [K.GreaterThanToken, '>='],
  [K.GreaterThanEqualsToken, '>'],
  [K.EqualsEqualsEqualsToken, '!=='],
  [K.ExclamationEqualsEqualsToken, '==='],
  [K.AmpersandAmpersandToken, '||'],
  [K.BarBarToken, '&&'],
  [K.PlusEqualsToken, '-='],
  [K.MinusEqualsToken, '+='],
  [K.AsteriskEqualsToken, '/='],
  [K.GreaterThanGreaterThanToken, '<<'],
  [K.LessThanLessThanToken, '>>'],
  [K.AmpersandToken, '|'],
  [K.BarToken, '&'],
]);

/** Operations of the tensor IR and of scalars, as their names stand in strings. */
const OPERATIONS: Readonly<Record<string, string>> = {
  add: 'sub',
  sub: 'add',
  mul: 'div',
  div: 'mul',
  max: 'min',
  min: 'max',
  lt: 'le',
  le: 'lt',
  eq: 'le',
  and: 'or',
  or: 'and',
  exp: 'expm1',
  expm1: 'exp',
  log: 'log1p',
  log1p: 'log',
  sin: 'cos',
  cos: 'sin',
  sqrt: 'abs',
  neg: 'abs',
  abs: 'neg',
  sign: 'abs',
  tanh: 'atan',
  sigmoid: 'tanh',
  floor: 'abs',
};

/** Methods and functions with a neighbour that takes the same arguments. */
const CALLS: Readonly<Record<string, string>> = {
  max: 'min',
  min: 'max',
  floor: 'ceil',
  ceil: 'floor',
  round: 'floor',
  every: 'some',
  some: 'every',
  find: 'findLast',
  findIndex: 'findLastIndex',
  indexOf: 'lastIndexOf',
  add: 'sub',
  sub: 'add',
  mul: 'div',
  div: 'mul',
};

/** What the program says to people, and checks of itself that never fail in a right program. */
const SILENT = /^(fail|bug|note|print|log|note.*|CompilerBug|Error|NncError|warn.*|error|report.*|explain|say|refuse)$/;

/** Every change that is tried of a file. */
export function mutantsOf(file: string, source: string): Mutant[] {
  const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true);
  const found: Mutant[] = [];
  const put = (node: { getStart(): number; getEnd(): number }, now: string): void => {
    const [start, end] = [node.getStart(), node.getEnd()];
    const { line } = tree.getLineAndCharacterOfPosition(start);
    const context = source.split('\n')[line]?.trim() ?? '';
    found.push({ file, start, end, line: line + 1, was: source.slice(start, end), now, context });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node) || ts.isImportDeclaration(node) || ts.isInterfaceDeclaration(node) || ts.isTypeAliasDeclaration(node)) return;
    if (ts.isThrowStatement(node) || ts.isTemplateExpression(node)) return;
    if ((ts.isCallExpression(node) || ts.isNewExpression(node)) && SILENT.test(lastName(node.expression))) return;
    if (ts.isIfStatement(node) && isThrow(node.thenStatement)) return;
    if (ts.isBinaryExpression(node)) binary(node, put);
    if (ts.isConditionalExpression(node) && isOrder(node)) return put(node.condition, `!(${node.condition.getText()})`);
    if (ts.isConditionalExpression(node)) put(node.condition, `!(${node.condition.getText()})`);
    if (ts.isIfStatement(node)) put(node.expression, `!(${node.expression.getText()})`);
    if (ts.isPrefixUnaryExpression(node) && node.operator === K.ExclamationToken) put(node, node.operand.getText());
    if (ts.isPrefixUnaryExpression(node) && node.operator === K.MinusToken) put(node, node.operand.getText());
    if (ts.isNumericLiteral(node)) put(node, changed(node));
    if (node.kind === K.TrueKeyword) put(node, 'false');
    if (node.kind === K.FalseKeyword) put(node, 'true');
    if (ts.isCallExpression(node)) call(node, put);
    if (ts.isExpressionStatement(node) && ts.isCallExpression(node.expression)) put(node, ';');
    // What stands after `??` is mostly for the type checker: an element that is always there.
    if (ts.isBinaryExpression(node) && node.operatorToken.kind === K.QuestionQuestionToken && isPlain(node.right)) visit(node.left);
    else ts.forEachChild(node, visit);
  };
  visit(tree);
  return found;
}

function binary(node: ts.BinaryExpression, put: (node: ts.Node, now: string) => void): void {
  const kind = node.operatorToken.kind;
  if (kind === K.QuestionQuestionToken) return;
  const now = OPERATORS.get(kind);
  if (now === undefined) return;
  const strings = [node.left, node.right].some((n) => ts.isStringLiteralLike(n) || ts.isTemplateExpression(n));
  if (strings && kind === K.PlusToken) return;
  put(node.operatorToken, now);
}

function call(node: ts.CallExpression, put: (node: ts.Node, now: string) => void): void {
  const [first] = node.arguments;
  const name = lastName(node.expression);
  if (first && ts.isStringLiteral(first) && (name === 'op' || name === 'f' || name === 's')) {
    const other = OPERATIONS[first.text];
    if (other !== undefined) put(first, `'${other}'`);
  }
  const other = CALLS[name];
  if (other !== undefined && ts.isPropertyAccessExpression(node.expression)) put(node.expression.name, other);
}

/** `a < b ? -1 : 1`: nothing depends on how much less than 0 the number is, and equal elements may come in any order. */
const isOrder = (node: ts.ConditionalExpression): boolean => node.whenTrue.getText() === '-1' && node.whenFalse.getText() === '1';

const isPlain = (node: ts.Expression): boolean =>
  ts.isNumericLiteral(node) || ts.isIdentifier(node) || (ts.isPrefixUnaryExpression(node) && ts.isNumericLiteral(node.operand));

const changed = (node: ts.NumericLiteral): string =>
  Number.isInteger(Number(node.text)) ? `${Number(node.text) + 1}` : `(1.5 * ${node.getText()})`;

const lastName = (e: ts.Expression): string => (ts.isPropertyAccessExpression(e) ? e.name.text : ts.isIdentifier(e) ? e.text : '');

const isThrow = (s: ts.Statement): boolean => {
  const only = ts.isBlock(s) && s.statements.length === 1 ? s.statements[0] : s;
  return only !== undefined && (ts.isThrowStatement(only) || (ts.isExpressionStatement(only) && isSilentCall(only.expression)));
};

const isSilentCall = (e: ts.Expression): boolean => ts.isCallExpression(e) && SILENT.test(lastName(e.expression));
