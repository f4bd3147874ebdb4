// The end of Postfix's disconnect line: ` ehlo=1 mail=1 rcpt=1/2 quit=1 commands=4/5`, successes and, where they
// differ, all; in the order of Postfix's command table.

const order = [
  'helo',
  'ehlo',
  'lhlo',
  'xclient',
  'xforward',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data',
  'bdat',
  'rset',
  'noop',
  'vrfy',
  'etrn',
  'help',
  'quit',
  'unknown',
];

export class CommandCounts {
  readonly #done = new Map<string, { succeeded: number; total: number }>();

  count(name: string, hasSucceeded: boolean): void {
    let counts = this.#done.get(name);
    if (counts === undefined) this.#done.set(name, (counts = { succeeded: 0, total: 0 }));
    counts.total++;
    if (hasSucceeded) counts.succeeded++;
  }

  summary(): string {
    let text = '';
    let succeeded = 0;
    let total = 0;
    for (const name of order) {
      const counts = this.#done.get(name);
      if (counts === undefined) continue;
      text += ` ${name}=${fraction(counts.succeeded, counts.total)}`;
      succeeded += counts.succeeded;
      total += counts.total;
    }
    return `${text} commands=${fraction(succeeded, total)}`;
  }
}

function fraction(succeeded: number, total: number): string {
  return succeeded === total ? `${total}` : `${succeeded}/${total}`;
}
