// CRAM-MD5 (RFC 2195), for old devices: the password is proved without being sent, but must be kept so that it can be
// read, and MD5 is weak. Offered only where posthaste_sasl_mechanisms names it.

import { createHmac, randomBytes } from 'node:crypto';
import { isSame } from '../unix-crypt.ts';
import { toText } from '../sasl.ts';
import { attempt, denied, malformed, maxLoginLength, type Mechanism, outcome, withDomain } from './exchange.ts';

export function cramMd5(hostname: string): Mechanism {
  return {
    properties: new Set(['active', 'dictionary']),
    isServerFirst: true,
    firstChallenge: () => `<${randomBytes(12).toString('hex')}@${hostname}>`,
    start: (parts, request, firstChallenge) => async (message) => {
      const match = /^(.+) ([0-9a-f]{32})$/is.exec(toText(message) ?? '');
      const [, name = '', proof = ''] = match ?? [];
      if (match === null || name.includes('\0')) return malformed();
      if (name.length > maxLoginLength) return denied('login too long', name);
      const login = withDomain(name, request);
      const { secrets } = parts;
      if (secrets === undefined) throw new Error('CRAM-MD5 is offered without secrets');
      const { protocol: service, clientAddress: remoteAddress } = request;
      const result = await attempt(parts, request, login, async () => {
        await secrets.fresh();
        const { candidates, reason } = secrets.readable(login, { service, remoteAddress });
        const given = proof.toLowerCase();
        const fits = candidates.find(({ secret }) =>
          isSame(createHmac('md5', secret).update(firstChallenge).digest('hex'), given),
        );
        return fits?.grant() ?? { kind: 'denied', reason };
      });
      return outcome(result, name);
    },
  };
}
