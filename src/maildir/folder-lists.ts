// The small files beside a Maildir's messages: dovecot-keywords (the names of the keyword letters), subscriptions in Dovecot's
// two forms and Courier's, and the first line of maildirsize (the quota of Maildir++).

/** Names by number; a number without a name is left out. */
export function parseKeywords(text: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  for (const line of text.split('\n')) {
    const match = /^(\d{1,3}) (\S+)$/.exec(line);
    // What no IMAP client could have set (RFC 3501 §9, atom) is no keyword.
    if (match?.[2] !== undefined && /^[^\x00-\x20\x7f-\xff(){%*"\\\]]+$/.test(match[2])) {
      names.set(Number(match[1]), match[2]);
    }
  }
  return names;
}

export function printKeywords(names: readonly string[]): string {
  return names.map((name, number) => `${number} ${name}\n`).join('');
}

/** Levels of each name, as they are written in the file. `separator` is that of the first form. */
export function parseSubscriptions(text: string, separator: string): string[][] {
  const lines = text.split('\n').map((line) => line.replace(/\r$/, ''));
  const isSecond = /^V\t2$/.test(lines[0] ?? '');
  const names = (isSecond ? lines.slice(1) : lines).filter((line) => line !== '');
  return names.map((name) => (isSecond ? name.split('\t').map(unescapeTabs) : name.split(separator)));
}

/** Dovecot's second form, in which a name may have any separator. */
export function printSubscriptions(names: readonly (readonly string[])[]): string {
  return `V\t2\n\n${names.map((levels) => `${levels.map(escapeTabs).join('\t')}\n`).join('')}`;
}

const escapes: Readonly<Record<string, string>> = { '0': '\0', '1': '\u0001', t: '\t', n: '\n', r: '\r' };

function unescapeTabs(text: string): string {
  return text.replaceAll(/\u0001(.)/g, (whole, letter: string) => escapes[letter] ?? whole);
}

function escapeTabs(text: string): string {
  return text.replaceAll(/[\0\u0001\t\n\r]/g, (character) => {
    const letter = Object.keys(escapes).find((one) => escapes[one] === character);
    return `\u0001${letter}`;
  });
}

/** `1073741824S,1000C`: octets and messages that the account may have; 0 for no limit. */
export function parseMaildirQuota(text: string): { bytes: number; messages: number } {
  const [line = ''] = text.split('\n', 1);
  return {
    bytes: Number(/(?:^|,)(\d+)S/.exec(line)?.[1] ?? 0),
    messages: Number(/(?:^|,)(\d+)C/.exec(line)?.[1] ?? 0),
  };
}
