// Does anybody answer for this address (Postfix's reject_unlisted_recipient and _sender)? Known is what matches a
// canonical map or a virtual alias, even by catch-all, else what its class's table knows. Addresses that resolve to the error or retry
// transport are refused here too. A service of master.cf may have recipient maps of its own (`-o
// local_recipient_maps=` behind a content filter), so this is made for each service's settings.

import { fold, localpartOf, toInternal } from '../address/form.ts';
import type { Maps } from '../tables/maps.ts';
import type { Settings } from '../settings/settings.ts';
import type { Decision } from './decision.ts';
import { type AddressSearch, findAddress } from './find-address.ts';
import { fitStatus } from './fit-status.ts';
import { openMaps, type OpenOptions } from './open-maps.ts';
import type { ResolvedAddress } from './resolve-address.ts';
import type { Reply } from './types.ts';

export type AddressRole = 'recipient' | 'sender';

/** How a reply names what it refuses, after the address in internal form: smtpd(8) writes it without quotes. */
export const roleNames = { recipient: 'Recipient address', sender: 'Sender address' } as const;

interface ClassTable {
  readonly maps: Maps;
  readonly code: number;
  readonly table: string;
}

export class ListedAddresses {
  /** Those that have tables, in order. */
  readonly #rewriting: Readonly<Record<AddressRole, readonly { readonly stage: string; readonly maps: Maps }[]>>;
  readonly #classes: Readonly<Record<'local' | 'virtual-mailbox' | 'relay', ClassTable>>;
  readonly #aliasCode: number;
  readonly #showTableName: boolean;
  readonly #doubleBounceSender: string;

  constructor(options: OpenOptions) {
    const { settings } = options;
    const ofRecipients = { stage: 'canonical', maps: openMaps(options, 'recipient_canonical_maps') };
    const ofSenders = { stage: 'canonical', maps: openMaps(options, 'sender_canonical_maps') };
    const ofAll = [
      { stage: 'canonical', maps: openMaps(options, 'canonical_maps') },
      { stage: 'virtual-alias', maps: openMaps(options, 'virtual_alias_maps') },
    ];
    this.#rewriting = {
      recipient: [ofRecipients, ...ofAll].filter(({ maps }) => !maps.isEmpty),
      sender: [ofRecipients, ofSenders, ...ofAll].filter(({ maps }) => !maps.isEmpty),
    };
    this.#classes = {
      local: classTable(options, 'local_recipient_maps', 'unknown_local_recipient_reject_code', 'local recipient'),
      'virtual-mailbox': classTable(
        options,
        'virtual_mailbox_maps',
        'unknown_virtual_mailbox_reject_code',
        'virtual mailbox',
      ),
      relay: classTable(options, 'relay_recipient_maps', 'unknown_relay_recipient_reject_code', 'relay recipient'),
    };
    this.#aliasCode = settings.integer('unknown_virtual_alias_reject_code');
    this.#showTableName = settings.flag('show_user_unknown_table_name');
    this.#doubleBounceSender = settings.text('double_bounce_sender').toLowerCase();
  }

  /** The refusal, or undefined where the address is known. `given` is how the client wrote it. Throws TemporaryError. */
  async check(
    search: Omit<AddressSearch, 'asker' | 'stage'>,
    decision: Decision,
    address: ResolvedAddress,
    given: string,
    role: AddressRole,
  ): Promise<Reply | undefined> {
    if (await this.#isRewritten(search, decision, address.recipient, role)) return undefined;
    const refused = this.#transportRefusal(address, given, role);
    if (refused !== undefined) return refused;
    if (address.class === 'virtual-alias' || address.class === 'default') return undefined;
    if (address.class === 'local' && this.#isAlwaysKnown(address.recipient)) return undefined;
    const { maps, code, table } = this.#classes[address.class];
    if (maps.isEmpty) return undefined;
    if (await findAddress({ ...search, asker: decision, stage: 'recipient' }, maps, address.recipient))
      return undefined;
    const suffix = this.#showTableName ? ` in ${table} table` : '';
    return {
      code,
      status: statusFor(role, code),
      text: `<${toInternal(given)}>: ${roleNames[role]} rejected: User unknown${suffix}`,
    };
  }

  /** What the tables make of it cannot be seen here, so it counts as known. */
  async #isRewritten(
    search: Omit<AddressSearch, 'asker' | 'stage'>,
    decision: Decision,
    address: string,
    role: AddressRole,
  ): Promise<boolean> {
    for (const { stage, maps } of this.#rewriting[role]) {
      if (await findAddress({ ...search, asker: decision, stage }, maps, address)) return true;
    }
    return false;
  }

  #transportRefusal(address: ResolvedAddress, given: string, role: AddressRole): Reply | undefined {
    const { transport, nexthop } = address;
    if (transport !== 'error' && transport !== 'retry') return undefined;
    const code = transport === 'retry' ? 450 : address.class === 'virtual-alias' ? this.#aliasCode : 550;
    const { status, text } = splitStatus(nexthop, statusFor(role, code));
    return {
      code,
      status: withClass(fitStatus(status, role), code),
      text: `<${toInternal(given)}>: ${roleNames[role]} rejected: ${text}`,
    };
  }

  #isAlwaysKnown(recipient: string): boolean {
    const user = fold(localpartOf(recipient));
    return user === 'postmaster' || user === 'mailer-daemon' || user === this.#doubleBounceSender;
  }
}

function classTable(
  options: OpenOptions,
  parameter: Parameters<typeof openMaps>[1],
  codeParameter: Parameters<Settings['integer']>[0],
  table: string,
): ClassTable {
  return { maps: openMaps(options, parameter), code: options.settings.integer(codeParameter), table };
}

function statusFor(role: AddressRole, code: number): string {
  return `${Math.floor(code / 100)}.1.${role === 'sender' ? 0 : 1}`;
}

/** `5.7.1 no thanks` -> status and text; a text without a status of its own gets `fallback`. */
export function splitStatus(text: string, fallback: string): { readonly status: string; readonly text: string } {
  const match = /^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)/.exec(text);
  return match === null
    ? { status: fallback, text }
    : { status: match[1] as string, text: text.slice(match[0].length) };
}

/** A reply's status begins with the digit that its code begins with. */
export function withClass(status: string, code: number): string {
  return `${Math.floor(code / 100)}${status.slice(1)}`;
}
