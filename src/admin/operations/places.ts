// Where mail goes by entries of one's own, who gets copies of it, and rules about clients, names, senders and recipients:
// these concern the mail of all domains, so only the host's administrators have them.

import { Type } from 'typebox';
import { operation } from '../operation.ts';
import { fail, failMissing } from '../problem.ts';
import {
  address,
  anyText,
  domainName,
  object,
  optional,
  page,
  pageInput,
  removed,
  time,
  toPage,
  usualPage,
  yes,
} from '../schemas.ts';

const access = { who: 'host' } as const;
const ofDomain = { domain: optional(domainName('What concerns this domain only.')) };
const created = time('When it was added.');

const byPlace = { place: anyText('An address, a domain, .domain for the names below it, or * for all.', 330) };
const goesTo = anyText('As smtp:[192.0.2.1]:25.', 1000);
const transport = object({ ...byPlace, transport: goesTo, created });

const byCopy = {
  side: Type.Enum(['sender', 'recipient'], { description: 'Copies of what the place sends, or of what it gets.' }),
  place: anyText('An address, or @domain.', 330),
};
const copyTo = { address: address('Who gets the copy.') };
const bcc = object({ ...byCopy, ...copyTo, created });

const stage = Type.Enum(['client', 'helo', 'sender', 'recipient'], { description: 'What it is about.' });
const byRule = { stage, pattern: anyText('An address, a network, a name; .name for those below it.', 330) };
const ruleSettings = {
  action: anyText('As access(5) has it: REJECT 5.7.1 text.', 512),
  note: optional(anyText('Why there is such a rule.', 255)),
};
const rule = object({ ...byRule, ...ruleSettings, created });

const orMissing = <Found>(found: Found | undefined): Found => found ?? failMissing();

/** The end of a page that two words name. */
function splitMark<Word extends string>(after: string, known: readonly Word[]): readonly [Word, string] {
  const space = after.indexOf(' ');
  const word = known.find((one) => one === after.slice(0, Math.max(space, 0)));
  if (word !== undefined) return [word, after.slice(space + 1)];
  fail(422, 'invalid-field', '"after" is not the end of a page', { field: 'after' });
}

const transportOperations = [
  operation({
    name: 'transport.list',
    summary: 'List the entries that say where mail goes.',
    method: 'GET',
    path: '/transports',
    input: object({ ...pageInput, ...ofDomain }),
    output: page(transport),
    access,
    kind: 'read',
    run: async ({ after, limit = usualPage, ...query }, { view }) => {
      const from = after === undefined ? {} : { after };
      return toPage(await view.transports.list({ ...query, ...from, limit: limit + 1 }), limit, ({ place }) => place);
    },
  }),
  operation({
    name: 'transport.add',
    summary: 'Say where mail for an address, a domain or all goes.',
    method: 'POST',
    path: '/transports',
    input: object({
      ...byPlace,
      transport: goesTo,
      force: optional(yes('Also where it takes the mail of mailboxes of this host.')),
    }),
    output: transport,
    access,
    kind: 'change',
    run: async ({ place, transport: to, force = false }, { view }) =>
      await view.transports.add(place, to, { takesMailboxes: force }),
  }),
  operation({
    name: 'transport.show',
    summary: 'Show where mail for a place goes by its entry.',
    method: 'GET',
    path: '/transports/{place}',
    input: object(byPlace),
    output: transport,
    access,
    kind: 'read',
    run: async ({ place }, { view }) => orMissing(await view.transports.show(place)),
  }),
  operation({
    name: 'transport.set',
    summary: 'Send the mail for a place elsewhere.',
    method: 'PUT',
    path: '/transports/{place}',
    input: object({ ...byPlace, transport: goesTo }),
    output: transport,
    access,
    kind: 'change',
    shownBy: 'transport.show',
    run: async ({ place, transport: to }, { view }) => await view.transports.set(place, to),
  }),
  operation({
    name: 'transport.remove',
    summary: 'Remove an entry: the mail goes the usual way.',
    method: 'DELETE',
    path: '/transports/{place}',
    input: object(byPlace),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'transport.show',
    run: async ({ place }, { view }) => {
      await view.transports.remove(place);
      return { removed: true };
    },
  }),
];

const bccOperations = [
  operation({
    name: 'bcc.list',
    summary: 'List who gets copies of whose mail.',
    method: 'GET',
    path: '/bccs',
    input: object({ ...pageInput, ...ofDomain, side: optional(byCopy.side) }),
    output: page(bcc),
    access,
    kind: 'read',
    run: async ({ after, limit = usualPage, ...query }, { view }) => {
      const [side, place] = after === undefined ? [] : splitMark(after, ['sender', 'recipient']);
      const from = side === undefined || place === undefined ? {} : { after: { side, place } };
      const found = await view.bccs.list({ ...query, ...from, limit: limit + 1 });
      return toPage(found, limit, (one) => `${one.side} ${one.place}`);
    },
  }),
  operation({
    name: 'bcc.add',
    summary: 'Send a copy of what an address or a domain sends or gets.',
    method: 'POST',
    path: '/bccs',
    input: object({ ...byCopy, ...copyTo }),
    output: bcc,
    access,
    kind: 'change',
    run: async ({ side, place, address: to }, { view }) => await view.bccs.add(side, place, to),
  }),
  operation({
    name: 'bcc.show',
    summary: 'Show who gets a copy.',
    method: 'GET',
    path: '/bccs/{side}/{place}',
    input: object(byCopy),
    output: bcc,
    access,
    kind: 'read',
    run: async ({ side, place }, { view }) => orMissing(await view.bccs.show(side, place)),
  }),
  operation({
    name: 'bcc.set',
    summary: 'Send the copy to somebody else.',
    method: 'PUT',
    path: '/bccs/{side}/{place}',
    input: object({ ...byCopy, ...copyTo }),
    output: bcc,
    access,
    kind: 'change',
    shownBy: 'bcc.show',
    run: async ({ side, place, address: to }, { view }) => await view.bccs.set(side, place, to),
  }),
  operation({
    name: 'bcc.remove',
    summary: 'Send no copy any more.',
    method: 'DELETE',
    path: '/bccs/{side}/{place}',
    input: object(byCopy),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'bcc.show',
    run: async ({ side, place }, { view }) => {
      await view.bccs.remove(side, place);
      return { removed: true };
    },
  }),
];

const accessOperations = [
  operation({
    name: 'access.list',
    summary: 'List the rules about clients, names, senders and recipients.',
    method: 'GET',
    path: '/access-rules',
    input: object({ ...pageInput, ...ofDomain, stage: optional(stage) }),
    output: page(rule),
    access,
    kind: 'read',
    run: async ({ after, limit = usualPage, ...query }, { view }) => {
      const [of, pattern] = after === undefined ? [] : splitMark(after, ['client', 'helo', 'sender', 'recipient']);
      const from = of === undefined || pattern === undefined ? {} : { after: { stage: of, pattern } };
      const found = await view.accessRules.list({ ...query, ...from, limit: limit + 1 });
      return toPage(found, limit, (one) => `${one.stage} ${one.pattern}`);
    },
  }),
  operation({
    name: 'access.add',
    summary: 'Add a rule: what is done with what a pattern names.',
    method: 'POST',
    path: '/access-rules',
    input: object({ ...byRule, ...ruleSettings }),
    output: rule,
    access,
    kind: 'change',
    run: async ({ stage: of, pattern, ...settings }, { view, server }) =>
      await view.accessRules.add(of, pattern, { ...settings, classes: server.restrictionClasses() }),
  }),
  operation({
    name: 'access.show',
    summary: 'Show a rule.',
    method: 'GET',
    path: '/access-rules/{stage}/{pattern}',
    input: object(byRule),
    output: rule,
    access,
    kind: 'read',
    run: async ({ stage: of, pattern }, { view }) => await view.accessRules.show(of, pattern),
  }),
  operation({
    name: 'access.set',
    summary: 'Change what a rule does, or its note.',
    method: 'PATCH',
    path: '/access-rules/{stage}/{pattern}',
    input: object({ ...byRule, action: optional(ruleSettings.action), note: ruleSettings.note }),
    output: rule,
    access,
    kind: 'change',
    shownBy: 'access.show',
    run: async ({ stage: of, pattern, ...settings }, { view, server }) =>
      await view.accessRules.set(of, pattern, { ...settings, classes: server.restrictionClasses() }),
  }),
  operation({
    name: 'access.remove',
    summary: 'Remove a rule.',
    method: 'DELETE',
    path: '/access-rules/{stage}/{pattern}',
    input: object(byRule),
    output: removed,
    access,
    kind: 'change',
    shownBy: 'access.show',
    run: async ({ stage: of, pattern }, { view }) => {
      await view.accessRules.remove(of, pattern);
      return { removed: true };
    },
  }),
];

export const placeOperations = [...transportOperations, ...bccOperations, ...accessOperations];
