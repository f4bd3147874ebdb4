// Access rules in a desired state: `client 192.0.2.0/24: {action: REJECT, note: a botnet}`.

import type { AccessRuleInfo } from '../../../directory/access-rules.ts';
import { refuse } from '../../../directory/refusal.ts';
import type { AccessStage } from '../../../directory/schema.ts';
import { text } from '../fields.ts';
import { allOf, type DesiredKind, type ReadOptions, type State, stateOf, textOf } from '../kind.ts';
import { isOf } from './transport.ts';

const names = { action: 'action', note: 'note' };
const fields: DesiredKind['fields'] = { action: { type: text }, note: { type: text, usual: '' } };
const pageLength = 500;

function parse(name: string): [AccessStage, string] {
  const [, stage, pattern] = /^(client|helo|sender|recipient) (.+)$/.exec(name) ?? [];
  if (stage === undefined || pattern === undefined) {
    refuse('write "client PATTERN", "helo PATTERN", "sender PATTERN" or "recipient PATTERN"');
  }
  return [stage as AccessStage, pattern];
}

function settingsOf(state: State, { restrictionClasses = [] }: ReadOptions) {
  return { action: textOf(state, 'action'), note: textOf(state, 'note'), classes: restrictionClasses };
}

export const accessKind: DesiredKind = {
  name: 'access rule',
  place: 'top',
  section: 'access',
  fields,
  shorthand: 'action',
  needed: ['action'],
  keyOf: (name) => name.toLowerCase(),
  list: async function* (view, domain) {
    const page = (after: AccessRuleInfo | undefined) =>
      view.accessRules.list({ limit: pageLength, ...(after && { after }) });
    for await (const info of allOf(page, pageLength)) {
      // Of one domain: what is said of mail to it. Whom a host hears is no domain's.
      const isWanted = domain === undefined || (info.stage === 'recipient' && isOf(info.pattern, domain));
      if (isWanted) yield [`${info.stage} ${info.pattern}`, stateOf(info, names, fields)];
    }
  },
  read: async (view, name) => {
    const info = await view.accessRules.find(...parse(name));
    return info && stateOf(info, names, fields);
  },
  add: async (view, name, state, options) => {
    await view.accessRules.add(...parse(name), settingsOf(state, options));
  },
  set: async (view, name, state, _before, options) => {
    await view.accessRules.set(...parse(name), settingsOf(state, options));
  },
  remove: (view, name) => view.accessRules.remove(...parse(name)),
};
