// Where a value comes from, and what the readers report about a file: findings never stop anything by
// themselves, they are shown by `lint`, once in the log, and by postconf.

export type Origin =
  | { readonly kind: 'default' }
  /** Given by the program itself or by a test. */
  | { readonly kind: 'given' }
  | { readonly kind: 'file'; readonly file: string; readonly line: number };

/** `default`, `given`, or `file:line`. */
export function formatOrigin(origin: Origin): string {
  return origin.kind === 'file' ? `${origin.file}:${origin.line}` : origin.kind;
}

export interface Finding {
  /** error: Postfix would not start with it; warning: it has no effect or not the wanted one; info: worth knowing. */
  readonly severity: 'error' | 'warning' | 'info';
  readonly file: string;
  /** 1 is the first line; 0 where the finding is about the file as a whole. */
  readonly line: number;
  readonly text: string;
}

/** Of a line of which something has been said already, nothing more is said. */
export function unsaid(findings: readonly Finding[], said: readonly Finding[]): Finding[] {
  return findings.filter(({ file, line }) => !said.some((one) => one.file === file && one.line === line));
}
