// The options of Postfix's tools as getopt(3) reads them: single letters that may stand together, with a value attached
// or behind, up to the first word that is not an option.

import { CommandError, type ExitCode } from './context.ts';

export interface ToolOptions {
  has(letter: string): boolean;
  /** The last one's value. */
  value(letter: string): string | undefined;
  /** Every one's value, in order. */
  values(letter: string): readonly string[];
  readonly operands: readonly string[];
}

export interface ToolSyntax {
  /** The name that messages begin with. */
  readonly tool: string;
  /** As for getopt(3): `bc:d:f` has two options with a value. */
  readonly letters: string;
  /** What stands behind `usage: ` */
  readonly usage: string;
  /** The exit status of a wrong call; 1 where nothing is said. */
  readonly failure?: ExitCode;
}

/** Throws CommandError with Postfix's words. */
export function parseToolOptions(syntax: ToolSyntax, args: readonly string[]): ToolOptions {
  const given = new Map<string, string[]>();
  let at = 0;
  for (; at < args.length; at++) {
    const arg = args[at] as string;
    if (arg === '--') {
      at++;
      break;
    }
    if (!arg.startsWith('-') || arg === '-') break;
    if (takeCluster(syntax, given, arg.slice(1), args[at + 1])) at++;
  }
  return {
    has: (letter) => given.has(letter),
    value: (letter) => given.get(letter)?.at(-1),
    values: (letter) => given.get(letter) ?? [],
    operands: args.slice(at),
  };
}

/** One argument without its dash. Returns whether it took the next argument as its value. */
function takeCluster(
  syntax: ToolSyntax,
  given: Map<string, string[]>,
  cluster: string,
  following: string | undefined,
): boolean {
  for (let at = 0; at < cluster.length; at++) {
    const letter = cluster.charAt(at);
    const place = letter === ':' ? -1 : syntax.letters.indexOf(letter);
    if (place < 0) throw usageError(syntax, `invalid option -- '${letter}'`);
    const rest = cluster.slice(at + 1);
    const takesValue = syntax.letters[place + 1] === ':';
    if (takesValue && rest === '' && following === undefined)
      throw usageError(syntax, `option requires an argument -- '${letter}'`);
    const value = takesValue ? rest || (following as string) : '';
    given.set(letter, [...(given.get(letter) ?? []), value]);
    if (takesValue) return rest === '';
  }
  return false;
}

export function usageError({ tool, usage, failure = 1 }: ToolSyntax, reason = ''): CommandError {
  const start = reason === '' ? '' : `${reason}\n${tool}: `;
  return new CommandError(`${start}fatal: usage: ${tool} ${usage}`, failure, tool);
}
