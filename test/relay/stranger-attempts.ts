// What a stranger's relay test tries: the forms of the published tests (abuse.net's seventeen, rt.njabl.org's, Exim's and
// Sendmail's own lists), each before every kind of domain that is served and before the host's name and address, with the
// envelope senders that such tests use. The victim is always somebody elsewhere.

export const elsewhere = 'elsewhere.example';

export interface StrangerAttempt {
  readonly helo: string;
  readonly sender: string;
  readonly recipient: string;
}

/** More than a thousand. `own` are names that are served here; `host` is the server's own. */
export function strangerAttempts(own: readonly string[], host: string): StrangerAttempt[] {
  const here = [...new Set([...own, host, 'localhost', '[127.0.0.1]'])];
  const [first = host] = own;
  const senders = [
    `spam@${elsewhere}`,
    '',
    `postmaster@${first}`,
    `spam@${first}`,
    'spam@[127.0.0.1]',
    'spam',
    `@${first}:spam@${elsewhere}`,
    `spam%${elsewhere}@${first}`,
  ];
  const helos = [`mail.${elsewhere}`, first, host, 'localhost', '[127.0.0.1]', '127.0.0.1', '[203.0.113.66]'];
  const recipients = here.flatMap(formsBefore).concat(plainForms());
  const attempts: StrangerAttempt[] = [];
  for (const [turn, sender] of senders.entries()) {
    for (const recipient of recipients) attempts.push({ helo: helos[turn % helos.length] ?? '', sender, recipient });
  }
  return attempts;
}

function plainForms(): string[] {
  const e = elsewhere;
  return [
    `victim@${e}`,
    `victim@${e}.`,
    `victim@${e}..`,
    `VICTIM@${e.toUpperCase()}`,
    `victim@sub.${e}`,
    `"victim"@${e}`,
    `"victim@${e}"`,
    `"victim%${e}"`,
    `victim%${e}`,
    `${e}!victim`,
    `"${e}!victim"`,
    'victim@[198.51.100.77]',
    'victim@198.51.100.77',
    'victim@[IPv6:2001:db8::77]',
    `victim%[198.51.100.77]`,
    `@${e}:victim@${e}`,
    `victim+x@${e}`,
    `victim@${e}:25`,
    `smtp:victim@${e}`,
    `victim@@${e}`,
  ];
}

function formsBefore(own: string): string[] {
  const e = elsewhere;
  return [
    `victim%${e}@${own}`,
    `victim%${e}@${own}.`,
    `"victim%${e}"@${own}`,
    `victim@${e}@${own}`,
    `"victim@${e}"@${own}`,
    `victim@${e}%${own}`,
    `victim%${e}%${own}`,
    `victim%${e}%${own}@${own}`,
    `"victim@${e}%${own}"`,
    `${e}!victim@${own}`,
    `"${e}!victim"@${own}`,
    `${own}!${e}!victim`,
    `${own}!victim%${e}`,
    `${own}!victim@${e}`,
    `${e}!victim%${own}`,
    `${e}!victim%${own}@${own}`,
    `@${own}:victim@${e}`,
    `@${own},@${e}:victim@${e}`,
    `@${e},@${own}:victim@${e}`,
    `@${own}:victim%${e}@${own}`,
    `@${own}:"victim@${e}"@${own}`,
    `@${own}:${e}!victim`,
    `@${own}:@${e}:victim@${e}`,
    `victim%${e}+x@${own}`,
    `victim(${e})@${own}@${e}`,
    `"@${own}:victim@${e}"@${own}`,
    `victim\\@${e}@${own}`,
    `victim%${e}%@${own}`,
  ];
}
