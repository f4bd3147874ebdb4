// Mailboxes in a desired state. A password stands there as its hash only, and only where it was asked for; a mailbox that is
// added without one has none that anybody knows, until one is set.

import type { DirectoryView } from '../../../directory/directory-view.ts';
import { fold } from '../../../directory/mail-address.ts';
import type { MailboxInfo } from '../../../directory/mailbox-rows.ts';
import type { MailboxSettings } from '../../../directory/mailboxes.ts';
import { count, flag, oneOf, record, size, text, texts, textSet, time } from '../fields.ts';
import {
  allOf,
  type DesiredKind,
  type FieldNames,
  type ReadOptions,
  settingsOf,
  type State,
  stateOf,
  textOf,
} from '../kind.ts';

const names: FieldNames = {
  name: 'name',
  quota: 'quotaBytes',
  enabled: 'enabled',
  protocols: 'protocols',
  forward: 'forward',
  vacation: 'vacation',
  maintenance: 'maintenance',
  'message-limit': 'messageLimit',
  'recipient-limit': 'recipientLimit',
  'must-change': 'mustChange',
  'password-expires': 'passwordExpires',
  'recovery-address': 'recoveryAddress',
};

const vacation = record({ subject: text, text, from: time, until: time, days: count }, ['text']);
const forward = record({ mode: oneOf('forward', 'both'), to: texts }, ['mode', 'to']);
const hashField = 'password-hash';

const fields: DesiredKind['fields'] = {
  name: { type: text, usual: '' },
  quota: { type: size, usual: 0 },
  enabled: { type: flag, usual: true },
  protocols: { type: textSet, usual: [] },
  forward: { type: forward, usual: null },
  vacation: { type: vacation, usual: null },
  maintenance: { type: text, usual: '' },
  'message-limit': { type: count, usual: null },
  'recipient-limit': { type: count, usual: null },
  'must-change': { type: flag, usual: false },
  'password-expires': { type: time, usual: 0 },
  'recovery-address': { type: text, usual: '' },
  [hashField]: { type: text },
};

/** Matches no password. */
const noPassword = '!';
const pageLength = 500;

function describe(view: DirectoryView, info: MailboxInfo, { withHashes }: ReadOptions): State {
  const state = stateOf(info, names, fields);
  if (!withHashes) return state;
  return { ...state, [hashField]: view.lookups.credentials(info.address)?.passwordHash ?? noPassword };
}

export const mailboxKind: DesiredKind = {
  name: 'mailbox',
  place: 'domain',
  section: 'mailboxes',
  fields,
  keyOf: fold,
  list: async function* (view, domain, options) {
    const page = (after: MailboxInfo | undefined) =>
      view.mailboxes.list({ domain: domain ?? '', limit: pageLength, ...(after && { after: after.address }) });
    for await (const info of allOf(page, pageLength)) yield [info.address, describe(view, info, options)];
  },
  read: async (view, address, options) => {
    const info = await view.mailboxes.show(address);
    return info && describe(view, info, options);
  },
  add: async (view, address, state) => {
    const { name, quotaBytes, enabled, ...rest } = settingsOf(state, names, fields) as MailboxSettings;
    const passwordHash = textOf(state, hashField) || noPassword;
    const quota = Object.hasOwn(state, 'quota') ? { quotaBytes: quotaBytes ?? 0 } : {};
    await view.mailboxes.add({ address, passwordHash, name: name ?? '', enabled: enabled ?? true, ...quota });
    const isPlain = Object.keys(state).every((field) => ['name', 'quota', 'enabled', hashField].includes(field));
    if (!isPlain) await view.mailboxes.set(address, rest);
  },
  set: async (view, address, state, before) => {
    const hash = textOf(state, hashField);
    const password = hash === '' || hash === before[hashField] ? {} : { passwordHash: hash };
    await view.mailboxes.set(address, { ...settingsOf(state, names, fields), ...password });
  },
  remove: async (view, address) => {
    await view.mailboxes.remove(address);
  },
};
