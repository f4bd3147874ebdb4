// The mechanisms that this program speaks itself, for SMTP and IMAP alike. Which of them a client is offered is the
// server's to say (sasl-security.ts); here stands which there are, in the order in which clients hear of them.

import type { MechanismParts, Mechanism } from './mechanisms/exchange.ts';
import { challenge, decoded, denied, malformed } from './mechanisms/exchange.ts';
import { cramMd5 } from './mechanisms/cram-md5.ts';
import { oauthBearer, xoauth2 } from './mechanisms/oauth.ts';
import { login, plain } from './mechanisms/password.ts';
import { scram } from './mechanisms/scram.ts';
import type { SaslMechanism, SaslRequest, SaslServer, SaslStep } from './sasl-server.ts';

function mechanismTable({ hostname, secrets, tokens }: MechanismParts): ReadonlyMap<string, Mechanism> {
  const all: Readonly<Record<string, Mechanism | undefined>> = {
    PLAIN: plain,
    LOGIN: login,
    'SCRAM-SHA-256-PLUS': secrets && scram('sha256', true),
    'SCRAM-SHA-256': secrets && scram('sha256', false),
    'SCRAM-SHA-1-PLUS': secrets && scram('sha1', true),
    'SCRAM-SHA-1': secrets && scram('sha1', false),
    'CRAM-MD5': secrets && cramMd5(hostname),
    OAUTHBEARER: tokens && oauthBearer,
    XOAUTH2: tokens && xoauth2,
  };
  return new Map(Object.entries(all).filter((entry): entry is [string, Mechanism] => entry[1] !== undefined));
}

/** The names that there are; of posthaste_sasl_mechanisms any other is a mistake. */
export const knownMechanisms: readonly string[] = [
  'PLAIN',
  'LOGIN',
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-256',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-1',
  'CRAM-MD5',
  'OAUTHBEARER',
  'XOAUTH2',
];

export class BuiltInSasl implements SaslServer {
  readonly #parts: MechanismParts;
  readonly #table: ReadonlyMap<string, Mechanism>;
  readonly #offered: readonly SaslMechanism[];

  /** `names`: those that are to be offered, of those for which the parts are there. */
  constructor(parts: MechanismParts, names: readonly string[]) {
    this.#parts = parts;
    this.#table = mechanismTable(parts);
    this.#offered = names.flatMap((given) => {
      const name = given.toUpperCase();
      const properties = this.#table.get(name)?.properties;
      return properties === undefined ? [] : [{ name, properties }];
    });
  }

  mechanisms(): readonly SaslMechanism[] {
    return this.#offered;
  }

  async begin(given: SaslRequest): Promise<SaslStep> {
    const request = { ...given, mechanism: given.mechanism.toUpperCase() };
    const mechanism = this.#offered.some(({ name }) => name === request.mechanism)
      ? this.#table.get(request.mechanism)
      : undefined;
    if (mechanism === undefined) return denied('unsupported mechanism');
    const first = mechanism.firstChallenge?.() ?? '';
    const turn = mechanism.start(this.#parts, request, first);
    const { initialResponse } = request;
    if (initialResponse === undefined) return challenge(first, turn);
    return mechanism.isServerFirst ? malformed() : await decoded(initialResponse, 'initial', turn);
  }
}
