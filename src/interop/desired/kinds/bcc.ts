// Copies of what an address or a domain sends or gets, in a desired state: `sender anna@example.com: archive@example.net`.

import type { BccInfo } from '../../../directory/bccs.ts';
import { fold } from '../../../directory/mail-address.ts';
import { refuse } from '../../../directory/refusal.ts';
import type { BccSide } from '../../../directory/schema.ts';
import { text } from '../fields.ts';
import { allOf, type DesiredKind, stateOf } from '../kind.ts';
import { isOf } from './transport.ts';

const names = { address: 'address' };
const fields: DesiredKind['fields'] = { address: { type: text } };
const pageLength = 500;

function parse(name: string): [BccSide, string] {
  const [, side, place] = /^(sender|recipient) (.+)$/.exec(name) ?? [];
  if (side === undefined || place === undefined) refuse(`write "sender ADDRESS" or "recipient ADDRESS"`);
  return [side as BccSide, place];
}

export const bccKind: DesiredKind = {
  name: 'bcc',
  place: 'top',
  section: 'bccs',
  fields,
  shorthand: 'address',
  needed: ['address'],
  keyOf: fold,
  list: async function* (view, domain) {
    const page = (after: BccInfo | undefined) => view.bccs.list({ limit: pageLength, ...(after && { after }) });
    for await (const info of allOf(page, pageLength)) {
      if (isOf(info.place, domain)) yield [`${info.side} ${info.place}`, stateOf(info, names, fields)];
    }
  },
  read: async (view, name) => {
    const info = await view.bccs.show(...parse(name));
    return info && stateOf(info, names, fields);
  },
  add: async (view, name, state) => {
    await view.bccs.add(...parse(name), String(state['address']));
  },
  set: async (view, name, state) => {
    await view.bccs.set(...parse(name), String(state['address']));
  },
  remove: (view, name) => view.bccs.remove(...parse(name)),
};
