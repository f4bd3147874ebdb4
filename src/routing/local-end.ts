// Where one branch of local expansion (local-alias.ts) ends, and how it is told.

import { domainOf, localpartOf } from '../address/form.ts';
import type { LocalMacros } from './local-settings.ts';
import type { TraceStep } from './types.ts';

/** Where local expansion stands. */
export interface LocalPlace {
  /** Where the words come from: decides whether commands and files are allowed. */
  readonly source: 'recipient' | 'alias' | 'include' | 'forward';
  readonly level: number;
  readonly owner: string | undefined;
  /** The folded name of the alias under expansion. */
  readonly from: string | undefined;
  /** An extension that was not matched, with its delimiter, to be carried over. */
  readonly unmatched: string;
  /** Whose rights commands and files have, a line of passwd(5); undefined: default_privs. */
  readonly account: string | undefined;
  /** For Delivered-To. */
  readonly delivered: string;
  /** Where the questions of this name begin; of an alias, what was asked to find it. */
  readonly mark: number;
  readonly asked?: readonly TraceStep[];
}

interface EndPlace {
  /** External form. */
  readonly recipient: string;
  /** The owner of the alias that led here, external form: bounces go there; undefined: the message's own sender. */
  readonly sender?: string;
  /** For Delivered-To, external form: the recipient that was expanded, or with frozen_delivered_to = no the last alias. */
  readonly delivered: string;
}

/** What is done on this machine, with the rights of an account. */
export type LocalAction =
  /** `user` is the account that asked for it; '' for default_privs. */
  | { readonly kind: 'command' | 'file'; readonly what: string; readonly user: string }
  /** The mailbox of the account `what`, by this command of mailbox_command_maps where there is one. */
  | { readonly kind: 'mailbox'; readonly what: string; readonly command?: string };

export type LocalOutcome =
  | { readonly kind: 'mail' }
  | { readonly kind: 'transport'; readonly transport: string; readonly nexthop: string }
  /** For good with 5.x, for now with 4.x. */
  | { readonly kind: 'refused'; readonly status: string; readonly reason: string }
  | { readonly kind: 'discarded' }
  | LocalAction;

export type LocalEnd = EndPlace & LocalOutcome;

export function describeEnd(end: LocalEnd): string {
  const owner = end.sender === undefined ? '' : `, bounces to ${end.sender}`;
  switch (end.kind) {
    case 'mail':
      return `mailed on to ${end.recipient}${owner}`;
    case 'transport':
      return `${end.recipient} by ${end.transport}:${end.nexthop}`;
    case 'refused':
      return `${end.recipient}: ${end.status} ${end.reason}${owner}`;
    case 'discarded':
      return `${end.recipient} discarded`;
    case 'command':
    case 'file':
      return `${end.kind} ${end.what}`;
    case 'mailbox':
      return `mailbox ${end.what}${end.command === undefined ? '' : ` by ${end.command}`}`;
  }
}

/** `extension` with its delimiter; `account` is a line of passwd(5). */
export function macrosOf(address: string, user: string, extension: string, account: string | undefined): LocalMacros {
  const [, , , , , home, shell] = account?.split(':') ?? [];
  return {
    user,
    local: localpartOf(address),
    domain: domainOf(address),
    recipient: address,
    extension: extension === '' ? undefined : extension.slice(1),
    recipient_delimiter: extension === '' ? undefined : extension.slice(0, 1),
    home,
    shell,
  };
}

/** What a stranger wrote into the extension names no other folder. */
export function filteredMacros(macros: LocalMacros, allowed: string): LocalMacros {
  const clean = (text: string | undefined): string | undefined =>
    text?.replaceAll(/./gsu, (one) => (allowed.includes(one) ? one : '_'));
  return {
    ...macros,
    extension: clean(macros['extension']),
    user: clean(macros['user']),
    local: clean(macros['local']),
  };
}
