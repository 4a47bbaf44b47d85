/** The part of the package that scripts/grammar.ts uses; it brings no types of its own. */
declare module '@prantlf/railroad-diagrams' {
  export class Node {
    toString(): string;
  }
  export class Terminal extends Node {
    constructor(text: string);
  }
  export class NonTerminal extends Node {
    constructor(text: string, options?: { href?: string });
  }
  export class Skip extends Node {}
  export class Sequence extends Node {
    constructor(...items: Node[]);
  }
  export class Choice extends Node {
    constructor(normal: number, ...items: Node[]);
  }
  export class Optional extends Node {
    constructor(item: Node);
  }
  export class ZeroOrMore extends Node {
    constructor(item: Node, separator?: Node);
  }
  export class OneOrMore extends Node {
    constructor(item: Node, separator?: Node);
  }
  export class Diagram extends Node {
    constructor(...items: Node[]);
  }
}
