// Who asks for an operation. A token or a session is looked up at every request, and its owner with it: what changes about
// them counts at once.

import type { Owner } from '../directory/api-tokens.ts';
import type { HostedDomain, DirectoryLookups } from '../directory/lookups.ts';
import { foldDomain } from '../directory/mail-address.ts';

export type Role = 'anonymous' | 'user' | 'domain' | 'host';

export interface Principal {
  readonly role: Role;
  /** The administrator's login or the mailbox's address; '' for nobody. */
  readonly login: string;
  /** Absent for the command line on the machine itself, and for nobody. */
  readonly owner?: Owner;
  /** Of a token; absent: everything that the role may. */
  readonly scopes?: readonly string[];
  /** Of a token: when it ends; 0 never. */
  readonly tokenExpires?: number;
  readonly tokenId?: number;
  /** Of somebody who has logged in with a browser. */
  readonly sessionId?: string;
  /** Nothing but a new password. */
  readonly mustChange?: boolean;
  /** Where the request came from. */
  readonly address: string;
}

/** For the events. */
export function actorOf({ login, tokenId }: Principal): string {
  return tokenId === undefined ? `api:${login}` : `api:${login}#${tokenId}`;
}

/** What somebody may see, whatever the operation: the one place that knows. */
export class Sight {
  readonly #principal: Principal;
  readonly #lookups: DirectoryLookups;
  #domains: readonly string[] | undefined;

  constructor(principal: Principal, lookups: DirectoryLookups) {
    this.#principal = principal;
    this.#lookups = lookups;
  }

  get seesAll(): boolean {
    return this.#principal.role === 'host';
  }

  /** Those of a domain administrator, in order; undefined: all. */
  get domains(): readonly string[] | undefined {
    const { role, owner } = this.#principal;
    if (role === 'host') return undefined;
    if (role !== 'domain' || owner === undefined) return [];
    this.#domains ??= this.#lookups.identities.domainsOf(owner.id);
    return this.#domains;
  }

  /** Whether it is his, alias domains of his domains included. A name that is not hosted is nobody's. */
  domain(name: string): boolean {
    const { role, owner } = this.#principal;
    if (role === 'host') return true;
    if (role !== 'domain' || owner === undefined) return false;
    const hosted = this.#lookups.domain(foldDomain(name.trim().replace(/\.$/, '')));
    return hosted !== undefined && this.#lookups.identities.administers(owner.id, ownDomain(hosted));
  }

  /**
   * What is older than his domain is not his: under the same name it may have been somebody else's, who has gone. Of what is
   * no domain of his it says nothing.
   */
  since(name: string): number {
    if (this.seesAll) return 0;
    return this.#lookups.domain(foldDomain(name.trim().replace(/\.$/, '')))?.created ?? 0;
  }

  /** An address of his domains, or a user's own. */
  address(address: string): boolean {
    if (this.#principal.role === 'user') return this.isSelf(address);
    const at = address.lastIndexOf('@');
    return at >= 0 && this.domain(address.slice(at + 1));
  }

  /** Whoever asks, by the login. */
  isMe(login: string): boolean {
    return login !== '' && login === this.#principal.login;
  }

  /** The mailbox that has logged in, by any of its names. */
  isSelf(address: string): boolean {
    const { role, owner } = this.#principal;
    if (role !== 'user' || owner === undefined) return false;
    return this.#lookups.mailboxByAddress(address.trim())?.id === owner.id;
  }

  /** A name that is not hosted at all is no secret of anybody's. */
  mayName(address: string): boolean {
    if (this.seesAll || this.address(address)) return true;
    const domain = address.slice(address.lastIndexOf('@') + 1);
    return this.#lookups.domain(foldDomain(domain)) === undefined;
  }
}

function ownDomain(hosted: HostedDomain): number {
  return hosted.target?.id ?? hosted.id;
}
