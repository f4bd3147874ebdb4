// What a stranger tries: who they are, what they say, and the forms in which a recipient elsewhere has been smuggled past
// relay control ever since there are relay tests: percent hack, quotes, source routes, bang paths, literals, dots.

import type { Client } from '../../routing/types.ts';

/** A domain of nobody's, in which the victim lives. */
export const elsewhere = 'elsewhere-7x3.com';
/** Names that no table has: `victim@ REJECT` is not to hide anything. */
export const victim = 'victim-7x3';
export const someone = 'someone-7x3';
const literal = '198.51.100.77';
/** relay_domains = com is a mistake that only a domain in com shows. */
const topDomains = ['com', 'net', 'org', 'de', 'example', 'invalid'];
const elsewhereDomains = topDomains.map((top) => `elsewhere-7x3.${top}`);

export interface Attempt {
  readonly client: Client;
  /** Who that is, where it is not just anybody. */
  readonly clientNote: string;
  /** Something that has to hold for a client to be such a one. */
  readonly condition?: string;
  readonly sender: string;
  readonly recipient: string;
  /** Mail for one domain that a row names. */
  readonly isNarrow: boolean;
}

/** Does mail for this address leave for a domain of the stranger's choice? */
export function isElsewhere(domain: string): boolean {
  return elsewhereDomains.includes(domain.toLowerCase()) || domain === `[${literal}]`;
}

/** So many of the forms name the victim plainly, in one domain each. */
export const plainForms = topDomains.length;

/** External form. `own` are domains that are served here, one of each kind. */
export function recipientForms(own: readonly string[]): string[] {
  const v = victim;
  const e = elsewhere;
  const forms = elsewhereDomains.map((domain) => `${v}@${domain}`);
  forms.push(
    `${v}@${e}.`,
    `${v.toUpperCase()}@${e.toUpperCase()}`,
    `"${v}"@${e}`,
    `${v}@[${literal}]`,
    `${v}@${literal}`,
  );
  forms.push(`${v}%${e}`, `"${v}%${e}"`, `${e}!${v}`, `"${e}!${v}"`, `"${v}@${e}"`, `@${e}:${v}@${e}`);
  for (const here of own) {
    forms.push(
      `${v}%${e}@${here}`,
      `"${v}%${e}"@${here}`,
      `"${v}@${e}"@${here}`,
      `${v}@${e}@${here}`,
      `${v}%${e}%${here}`,
      `${v}@${e}%${here}`,
      `${e}!${v}@${here}`,
      `"${e}!${v}"@${here}`,
      `${here}!${e}!${v}`,
      `${here}!${v}@${e}`,
      `@${here}:${v}@${e}`,
      `@${here}:${v}%${e}@${here}`,
      `@${e},@${here}:${v}@${e}`,
      `${v}%${e}%${here}@${here}`,
      `${v}%${e}@${here}.`,
      `@${here}:"${v}@${e}"@${here}`,
    );
  }
  return forms;
}

export function senders(own: string | undefined): string[] {
  return [`${someone}@${elsewhere}`, '', ...(own === undefined ? [] : [`postmaster@${own}`])];
}

const tls = { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', bits: 256 };

/** HELO names that need no table: a host's, and a bare address (permit_naked_ip_address). */
export const heloNames = [`mail.${elsewhere}`, literal];

/** Anybody, with and without a name in the DNS. `addresses` are in none of the administrator's own networks. */
export function strangers(addresses: readonly string[]): Client[] {
  return addresses.flatMap((address) =>
    ['unknown', `mail.${elsewhere}`].map((name): Client => {
      const found = name === 'unknown' ? 'none' : 'found';
      const reverse = { reverseName: name, reverseNameStatus: found, nameStatus: found } as const;
      return { address, name, ...reverse, protocol: 'ESMTP', tls };
    }),
  );
}

/** Undefined: none at all. */
export function withHelo(attempt: Attempt, helo: string | undefined): Attempt {
  const { helo: _, ...client } = attempt.client;
  return { ...attempt, client: helo === undefined ? client : { ...client, helo } };
}
