// Which mechanisms a server may offer by smtpd_sasl_security_options and its TLS variant (postconf(5)): each `no...`
// excludes a kind, `mutual_auth` and `forward_secrecy` ask for one. An unknown word stops the start.

import type { SaslMechanism } from './sasl-server.ts';

const excluded: Readonly<Record<string, string>> = {
  noplaintext: 'plaintext',
  noactive: 'active',
  nodictionary: 'dictionary',
  noanonymous: 'anonymous',
};
const required: Readonly<Record<string, string>> = {
  mutual_auth: 'mutual-auth',
  forward_secrecy: 'forward-secrecy',
};

/** The first word that is none. */
export function unknownSecurityOption(words: readonly string[]): string | undefined {
  return words.find((word) => !(word.toLowerCase() in excluded) && !(word.toLowerCase() in required));
}

export function isAllowed({ properties }: SaslMechanism, words: readonly string[]): boolean {
  return words.every((word) => {
    const option = word.toLowerCase();
    const wanted = required[option];
    if (wanted !== undefined) return properties.has(wanted);
    const unwanted = excluded[option];
    return unwanted === undefined || !properties.has(unwanted);
  });
}
