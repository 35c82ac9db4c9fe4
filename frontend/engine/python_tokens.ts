// Python's text in pieces, so that it can be coloured.

export type TokenKind =
  | "keyword"
  | "constant"
  | "string"
  | "number"
  | "comment"
  | "definition"
  | "plain";

export interface Token {
  readonly kind: TokenKind;
  readonly text: string;
}

const KEYWORDS = new Set(
  (
    "and as assert async await break class continue def del elif else except finally for from " +
    "global if import in is lambda nonlocal not or pass raise return try while with yield"
  ).split(" "),
);
const CONSTANTS = new Set(["True", "False", "None", "self"]);

const NUMBER = /^(?:0[xob][\da-f_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:e[+-]?\d+)?j?)/i;
const WORD = /^[\p{L}_][\p{L}\p{N}_]*/u;
const STRING_START = /^(?:[rbfu]{0,2})("""|'''|"|')/i;

/** The tokens of each line. A string over several lines is cut at their ends. */
export function tokensOf(text: string): Token[][] {
  const lines: Token[][] = [[]];
  const add = (kind: TokenKind, piece: string): void => {
    piece.split("\n").forEach((part, i) => {
      if (i > 0) {
        lines.push([]);
      }
      append(lines[lines.length - 1], kind, part);
    });
  };
  let rest = text;
  let before = "";
  while (rest) {
    const token = nextToken(rest, before);
    add(token.kind, token.text);
    if (token.text.trim()) {
      before = token.text;
    }
    rest = rest.slice(token.text.length);
  }
  return lines;
}

/** Neighbours of one kind become one token. */
function append(line: Token[], kind: TokenKind, text: string): void {
  if (!text) {
    return;
  }
  const last = line.at(-1);
  if (last?.kind === kind) {
    line[line.length - 1] = { kind, text: last.text + text };
  } else {
    line.push({ kind, text });
  }
}

/** @param before the token in front of it, spaces left out. */
function nextToken(rest: string, before: string): Token {
  if (rest[0] === "#") {
    const end = rest.indexOf("\n");
    return { kind: "comment", text: end < 0 ? rest : rest.slice(0, end) };
  }
  const start = rest.match(STRING_START);
  if (start) {
    return { kind: "string", text: rest.slice(0, endOfString(rest, start[0].length, start[1])) };
  }
  const word = rest.match(WORD)?.[0];
  if (word) {
    return { kind: kindOfWord(word, before), text: word };
  }
  const number = rest.match(NUMBER)?.[0];
  if (number) {
    return { kind: "number", text: number };
  }
  return { kind: "plain", text: rest[0] };
}

function kindOfWord(word: string, before: string): TokenKind {
  if (before === "def" || before === "class") {
    return "definition";
  }
  if (KEYWORDS.has(word)) {
    return "keyword";
  }
  return CONSTANTS.has(word) ? "constant" : "plain";
}

/** Just after the closing quote; where there is none, the end of the line or of the text. */
function endOfString(text: string, from: number, quote: string): number {
  for (let i = from; i < text.length; i++) {
    if (text[i] === "\\") {
      i += 1;
    } else if (text.startsWith(quote, i)) {
      return i + quote.length;
    } else if (text[i] === "\n" && quote.length === 1) {
      return i;
    }
  }
  return text.length;
}
