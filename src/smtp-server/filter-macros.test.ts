import { expect, test } from 'vitest';
import type { Conversation } from './conversation.ts';
import { noMacroContext, sessionMacro } from './filter-macros.ts';

function shown(isTrusted: boolean): (string | undefined)[] {
  const certificate = {
    commonName: 'client\n.example',
    issuerName: 'An Authority',
    fingerprint: '',
    keyFingerprint: '',
    isTrusted,
  };
  const session = { tls: { protocol: 'TLSv1.3', cipher: 'x', bits: 256, certificate } } as unknown as Conversation;
  return ['{cert_subject}', '{cert_issuer}'].map((name) => sessionMacro(session, noMacroContext, name) as string);
}

test('filters hear of a certificate that is believed, and of no other', () => {
  expect(shown(true)).toEqual([expect.stringMatching(/^client.\.example$/), 'An Authority']);
  expect(shown(false)).toEqual([undefined, undefined]);
});
