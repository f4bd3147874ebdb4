// Mailing lists as the mail path asks for them: what stands at a list's addresses, who may write to it, who gets it.
// `owner-NAME` and `NAME-request` are addresses of every list (as with local(8)'s owner- and RFC 2142 §6); both
// reach its owners. Reads are synchronous; a directory that cannot be read is a TemporaryError.

import type { SqliteConnection, Statement } from '../database/sqlite.ts';
import type { HostedDomain } from './lookups.ts';
import { fold, foldDomain } from './mail-address.ts';
import type { ListRole, PostingRule } from './schema.ts';

/** The transport that gives mail to the members (delivery/list.ts). Always there, without a line in master.cf. */
export const listTransport = 'posthaste-list';

export interface HostedList {
  readonly id: number;
  /** Folded, without an alias domain: `team@example.com`. */
  readonly address: string;
  readonly name: string;
  readonly post: PostingRule;
}

/** Which of a list's addresses: for its members, or for its owners. */
export interface ListAddress {
  readonly id: number;
  readonly part: 'post' | 'owner';
}

/** What lists need to know of addresses. */
export interface AddressLookups {
  domain(name: string): HostedDomain | undefined;
  fresh(): Promise<void> | undefined;
  splitAt(localpart: string): number;
  mailboxByAddress(address: string): { readonly address: string } | undefined;
}

const ownerPrefix = 'owner-';
const requestSuffix = '-request';

export function ownerLocalpart(list: string): string {
  return `${ownerPrefix}${list}`;
}

export function requestLocalpart(list: string): string {
  return `${list}${requestSuffix}`;
}

/** The list that an `owner-` or `-request` localpart would belong to. */
export function listNameOf(localpart: string): string | undefined {
  if (localpart.startsWith(ownerPrefix)) return localpart.slice(ownerPrefix.length) || undefined;
  return localpart.endsWith(requestSuffix) ? localpart.slice(0, -requestSuffix.length) || undefined : undefined;
}

const pageLength = 1000;
/** Who may write, by rule. */
export const writers: Readonly<Record<PostingRule, string>> = {
  anyone: 'people',
  members: 'members',
  domain: 'the people of its domain',
  listed: 'those whom its owners have named',
};

export class ListLookups {
  readonly #ask: <T>(read: () => T) => T;
  readonly #addresses: AddressLookups;
  readonly #list: Statement;
  readonly #byId: Statement;
  readonly #persons: Statement;
  readonly #person: Statement;

  constructor(connection: SqliteConnection, ask: <T>(read: () => T) => T, addresses: AddressLookups) {
    this.#ask = ask;
    this.#addresses = addresses;
    this.#list = connection.prepare('SELECT id FROM list WHERE domain_id = ? AND localpart = ?').pluck();
    this.#byId = connection
      .prepare(
        `SELECT l.id, l.localpart || '@' || d.name, l.name, l.post FROM list l JOIN domain d ON d.id = l.domain_id
         WHERE l.id = ?`,
      )
      .raw();
    this.#persons = connection
      .prepare(
        `SELECT domain, localpart, address FROM list_person WHERE list_id = ? AND role = ? AND (domain, localpart) > (?, ?)
         ORDER BY domain, localpart LIMIT ${pageLength}`,
      )
      .raw();
    this.#person = connection
      .prepare('SELECT 1 FROM list_person WHERE list_id = ? AND role = ? AND domain = ? AND localpart = ?')
      .pluck();
  }

  /** To be awaited before the questions of a delivery, where it is not undefined. */
  fresh(): Promise<void> | undefined {
    return this.#addresses.fresh();
  }

  /** What a list has at this localpart (folded); through an alias domain. */
  at(localpart: string, hosted: HostedDomain): ListAddress | undefined {
    if (!hosted.hasLists || localpart === '') return undefined;
    const own = this.#find(localpart, hosted);
    if (own !== undefined) return { id: own, part: 'post' };
    const name = listNameOf(localpart);
    const id = name === undefined ? undefined : this.#find(name, hosted);
    return id === undefined ? undefined : { id, part: 'owner' };
  }

  #find(localpart: string, hosted: HostedDomain): number | undefined {
    const domainId = hosted.target?.id ?? hosted.id;
    return this.#ask(() => this.#list.get(domainId, localpart) as number | undefined);
  }

  /** The list that takes mail at this address, whole or without its extension. */
  byAddress(address: string): HostedList | undefined {
    const [localpart, domain] = split(address);
    const hosted = this.#addresses.domain(domain);
    if (hosted === undefined || !hosted.isActive || !hosted.hasLists) return undefined;
    const extension = this.#addresses.splitAt(localpart);
    const id =
      this.#find(localpart, hosted) ??
      (extension === -1 ? undefined : this.#find(localpart.slice(0, extension), hosted));
    return id === undefined ? undefined : this.byId(id);
  }

  byId(id: number): HostedList | undefined {
    const row = this.#ask(() => this.#byId.get(id) as [number, string, string, PostingRule] | undefined);
    return row && { id: row[0], address: row[1], name: row[2], post: row[3] };
  }

  /** A page at a time: a list of thousands is never read in one go. */
  *persons(list: number, role: ListRole): Iterable<string> {
    let after: readonly [string, string] = ['', ''];
    for (;;) {
      const [domain, localpart] = after;
      const page = this.#ask(() => this.#persons.all(list, role, domain, localpart) as [string, string, string][]);
      for (const [, , address] of page) yield address;
      const last = page.at(-1);
      if (last === undefined || page.length < pageLength) return;
      after = [last[0], last[1]];
    }
  }

  /**
   * Why mail from this envelope sender does not go to the members of the list at an address; undefined: it does, or is
   * for the owners (the null sender's), or there is no list.
   */
  refusal(address: string, sender: string): string | undefined {
    const list = sender === '' ? undefined : this.byAddress(address);
    if (list === undefined || this.mayPost(list, sender)) return undefined;
    return `${list.address} is a mailing list that only ${writers[list.post]} may write to, not <${sender}>`;
  }

  /** May mail from this envelope sender go to the members? Owners always write. */
  mayPost(list: HostedList, sender: string): boolean {
    if (list.post === 'anyone') return true;
    const forms = senderForms(this.#addresses, sender);
    if (forms.some(([localpart, domain]) => this.#has(list.id, 'owner', localpart, domain))) return true;
    if (forms.some((form) => this.#isListAbove(form, list))) return true;
    switch (list.post) {
      case 'members':
        return forms.some(([localpart, domain]) => this.#has(list.id, 'member', localpart, domain));
      case 'domain': {
        const [, own] = split(list.address);
        return forms.some(([, domain]) => {
          const hosted = this.#addresses.domain(domain);
          return hosted !== undefined && (hosted.target?.name ?? hosted.name) === own;
        });
      }
      case 'listed':
        return forms.some(([localpart, domain]) =>
          [localpart, ''].some((name) => this.#has(list.id, 'poster', name, domain)),
        );
    }
  }

  /** Mail of a list of ours that has this one as a member: it has judged the author itself. */
  #isListAbove([localpart, domain]: readonly [string, string], list: HostedList): boolean {
    const hosted = this.#addresses.domain(domain);
    const above = hosted && this.at(localpart, hosted);
    if (above?.part !== 'owner') return false;
    const [name, own] = split(list.address);
    return this.#has(above.id, 'member', name, own);
  }

  #has(list: number, role: ListRole, localpart: string, domain: string): boolean {
    return this.#ask(() => this.#person.get(list, role, domain, localpart) !== undefined);
  }
}

/** A sender as written, without its extension, and as the address of the mailbox that it belongs to. */
export function senderForms(addresses: AddressLookups, sender: string): (readonly [string, string])[] {
  const [localpart, domain] = split(sender);
  if (localpart === '') return [];
  const forms: (readonly [string, string])[] = [[localpart, domain]];
  const extension = addresses.splitAt(localpart);
  if (extension !== -1) forms.push([localpart.slice(0, extension), domain]);
  const mailbox = addresses.mailboxByAddress(sender)?.address;
  if (mailbox !== undefined) forms.push(split(mailbox));
  return forms;
}

/** Folded localpart and domain; ['', ''] for what has none. */
function split(address: string): readonly [string, string] {
  const at = address.lastIndexOf('@');
  return at <= 0 ? ['', ''] : [fold(address.slice(0, at)), foldDomain(address.slice(at + 1))];
}
