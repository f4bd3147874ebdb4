// What a plan says: which addresses' outcome a change of the directory alters, how, and what of that is dangerous.

import type { ObjectChange } from '../../directory/history.ts';
import type { AddressClass, Delivery, Reply } from '../../routing/types.ts';

/** What is of the directory and nothing else, so that a plan can try its changes. */
export const plannedAreas: readonly string[] = [
  'domain',
  'alias-domain',
  'mailbox',
  'alias',
  'list',
  'sender-login',
  'transport',
  'bcc',
  'access',
  'relay-recipient',
  'catch-all',
  'tag',
];

/** What happens to mail for an address, as the one resolver says. */
export interface PlannedOutcome {
  readonly class: AddressClass;
  readonly reply: Reply;
  readonly deliveries: readonly PlannedDelivery[];
}

export interface PlannedDelivery extends Pick<Delivery, 'recipient' | 'transport' | 'nexthop'> {
  /** Whose mailbox it ends in; `id` tells it from a later one of the same address. */
  readonly mailbox?: { readonly id: number; readonly address: string };
  /** It is taken and then sent back: there is no mailbox, or it is switched off. */
  readonly bounces?: 'no-mailbox' | 'disabled';
}

/**
 * For whom an outcome was asked: one address, or a class of addresses that all go alike, asked by one that nobody has
 * (`probe`). `others` are the local parts of a domain that nothing else names, `subdomains` the names below a domain,
 * `anywhere` domains that are not ours.
 */
export type Subject =
  | { readonly kind: 'address'; readonly address: string }
  | { readonly kind: 'extensions'; readonly of: string; readonly probe: string }
  | { readonly kind: 'others'; readonly domain: string; readonly probe: string }
  | { readonly kind: 'subdomains'; readonly domain: string; readonly probe: string }
  | { readonly kind: 'anywhere'; readonly probe: string };

export interface OutcomeChange {
  readonly subject: Subject;
  readonly before: PlannedOutcome;
  readonly after: PlannedOutcome;
  /** Its extensions go the same new way. */
  readonly withExtensions: boolean;
}

export type FlagKind =
  | 'leaves-host'
  | 'mailbox-unreachable'
  | 'catch-all-widened'
  | 'refused'
  | 'bounces'
  | 'deferred'
  | 'loop'
  | 'open-relay';

export interface Flag {
  readonly kind: FlagKind;
  /** Whom it concerns: an address, a class of addresses, a mailbox. */
  readonly subject: string;
  readonly text: string;
}

/** Who may send as an address. */
export interface SendingChange {
  readonly address: string;
  readonly gained: readonly string[];
  readonly lost: readonly string[];
}

/** Who gets the mail of a list. */
export interface MemberChange {
  readonly list: string;
  readonly joined: readonly string[];
  readonly left: readonly string[];
}

/** What the change would have meant for mail that has come. */
export interface RealMessages {
  /** Milliseconds since 1970: from when on the trace was looked at. */
  readonly since: number;
  /** Messages for addresses of the domains concerned, one for each recipient. */
  readonly seen: number;
  readonly elsewhere: number;
  readonly refused: number;
  readonly deferred: number;
  /** Refused then, taken now. */
  readonly taken: number;
  /** The addresses with most of them. */
  readonly most: readonly { readonly address: string; readonly messages: number; readonly effect: MessageEffect }[];
  /** Not all of the time could be looked at. */
  readonly isCut: boolean;
}

export type MessageEffect = 'elsewhere' | 'refused' | 'deferred' | 'taken';

export interface Plan {
  /** The change itself: its objects before and after, the first of them. */
  readonly objects: readonly ObjectChange[];
  readonly objectCount: number;
  readonly changes: readonly OutcomeChange[];
  /** Their transports that take mail to other hosts. */
  readonly leaving: readonly string[];
  /** Addresses and classes of them that were asked and go as before. */
  readonly unchanged: number;
  readonly flags: readonly Flag[];
  readonly sending: readonly SendingChange[];
  readonly members: readonly MemberChange[];
  /** Absent where there is no trace. */
  readonly messages?: RealMessages;
  /** What was not judged, in sentences. */
  readonly notes: readonly string[];
}
