// Addresses in all forms: what a client, a table or a header may hand us.

import { parseAddressList } from '../../src/address/address-list.ts';
import { isHostname, isIpAddress, isValidDomain, literalAddress } from '../../src/address/domain.ts';
import { addExtension, splitExtension } from '../../src/address/extension.ts';
import { domainOf, fold, localpartOf, toExternal, toInternal } from '../../src/address/form.ts';
import { standardForm } from '../../src/address/standard-form.ts';
import { examples, expectSame, type Target } from './target.ts';

const rules = {
  appendAtMyorigin: true,
  myorigin: 'origin.test',
  appendDotMydomain: true,
  mydomain: 'domain.test',
  swapBangpath: true,
  allowPercentHack: true,
};

export const address: Target = {
  name: 'address',
  errors: [],
  maxBytes: 8_192,
  examples: examples(
    'user@example.test',
    'user+ext@example.test',
    '"quoted user"@example.test',
    '"a\\"b\\\\c@d"@example.test',
    'user@[IPv6:2001:db8::1]',
    'site!user',
    'user%site@relay.test',
    '@a,@b:user@example.test',
    'user@host.',
    'A User <a@example.test>, group: b, c@d;, (comment) e@f.test',
    'owner-list+bounce=x@example.test',
    'üser@exämple.test',
  ),
  words: ['@', '.', '+', '"', '\\', '<', '>', '(', ')', ',', ';', ':', '!', '%', '[', ']', '..', 'example.test', ' '],
  run(input: Buffer): void {
    const text = input.toString('utf8');
    const internal = toInternal(text);
    // Only the localpart has a quoted form.
    if (!/["\\]/.test(domainOf(internal))) {
      expectSame(toInternal(toExternal(internal)), internal, 'internal form there and back');
    }
    const standard = standardForm(internal, rules);
    expectSame(
      localpartOf(standard).length + domainOf(standard).length <= standard.length,
      true,
      'parts longer than the whole',
    );
    splitExtension(localpartOf(standard), {
      delimiters: '+-',
      ownerRequestSpecial: true,
      doubleBounceSender: 'double-bounce',
    });
    addExtension(standard, '+x');
    fold(text);
    parseAddressList(text);
    for (const domain of [text, domainOf(text)]) {
      isHostname(domain);
      isIpAddress(domain);
      isValidDomain(domain);
      literalAddress(domain);
    }
  },
};
