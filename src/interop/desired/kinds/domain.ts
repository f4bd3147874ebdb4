// Domains in a desired state. What is in them are kinds of their own.

import type { DomainInfo, DomainSettings, RecipientsMode } from '../../../directory/domains.ts';
import { foldDomain } from '../../../directory/mail-address.ts';
import { count, flag, oneOf, size, text } from '../fields.ts';
import { allOf, type DesiredKind, type FieldNames, settingsOf, type State, stateOf } from '../kind.ts';

const names: FieldNames = {
  class: 'class',
  active: 'active',
  transport: 'transport',
  maintenance: 'maintenance',
  'unknown-to': 'unknownTo',
  'max-mailboxes': 'maxMailboxes',
  'max-aliases': 'maxAliases',
  'total-quota': 'totalQuotaBytes',
  'default-quota': 'defaultQuotaBytes',
  'max-quota': 'maxQuotaBytes',
  'catch-all': 'catchAllMode',
  recipients: 'recipients',
};

const fields: DesiredKind['fields'] = {
  class: { type: oneOf('mailbox', 'alias', 'relay') },
  active: { type: flag, usual: true },
  transport: { type: text, usual: '' },
  maintenance: { type: text, usual: '' },
  'unknown-to': { type: text, usual: '' },
  'max-mailboxes': { type: count, usual: 0 },
  'max-aliases': { type: count, usual: 0 },
  'total-quota': { type: size, usual: 0 },
  'default-quota': { type: size, usual: 0 },
  'max-quota': { type: size, usual: 0 },
  'catch-all': { type: oneOf('accept', 'propose', 'refuse'), usual: 'accept' },
  recipients: { type: oneOf('all', 'listed'), usual: 'all' },
};

const pageLength = 500;

function domainSettings(state: State): DomainSettings {
  const { recipients, ...settings } = settingsOf(state, names, fields);
  // Other classes have no such choice.
  return state['class'] === 'relay' ? { ...settings, recipients: recipients as RecipientsMode } : settings;
}

export const domainKind: DesiredKind = {
  name: 'domain',
  place: 'top',
  section: 'domains',
  fields,
  keyOf: foldDomain,
  list: async function* (view, domain) {
    const found = domain === undefined ? undefined : await view.domains.show(domain);
    const page = (after: DomainInfo | undefined) => view.domains.list({ after: after?.name ?? '', limit: pageLength });
    const all = domain === undefined ? allOf(page, pageLength) : found ? [found] : [];
    for await (const info of all) yield [info.name, stateOf(info, names, fields)];
  },
  read: async (view, name) => {
    const info = await view.domains.show(name);
    return info && stateOf(info, names, fields);
  },
  add: async (view, name, state) => {
    const { maintenance = '', ...settings } = domainSettings(state);
    await view.domains.add(name, settings);
    if (maintenance !== '') await view.domains.set(name, { maintenance });
  },
  set: async (view, name, state) => {
    await view.domains.set(name, domainSettings(state));
  },
  remove: (view, name) => view.domains.remove(name, { recursive: true }),
};
