// The tables and lists that the SMTP and LMTP clients ask: TLS policies, logins, keywords of EHLO to ignore
// (postconf(5), SASL_README, TLS_README). For delivery/; every failure to look up is a TemporaryError.

import { toInternal } from '../address/form.ts';
import type { Maps } from '../tables/maps.ts';
import type { MatchList } from '../tables/match-list.ts';
import type { RevisionSource } from '../tables/table.ts';
import { decideAtOneRevision, type Decision } from './decision.ts';
import { type AddressSearch, findAddress } from './find-address.ts';
import { openMaps, openMatchList, type OpenOptions } from './open-maps.ts';

export interface LoginKeys {
  /** External form; '' for the null sender. */
  readonly sender: string;
  readonly host: string;
  /** The next hop as it is written, `[host]:port` and all. */
  readonly destination: string;
}

export interface ClientTablesOptions extends OpenOptions {
  readonly protocol: 'smtp' | 'lmtp';
  readonly revisions: RevisionSource;
  /** How address tables are searched within a decision. */
  search(decision: Decision): AddressSearch;
}

const stage = 'smtp-client';

export class ClientTables {
  readonly #options: ClientTablesOptions;
  readonly #policies: Maps;
  readonly #passwords: Maps;
  readonly #keywords: Maps;
  readonly #keywordList: ReadonlySet<string>;
  readonly #mechanisms: MatchList;
  readonly #kept: MatchList;
  readonly #statusFilter: Maps;
  readonly #replyFilter: Maps;
  readonly #bySender: boolean;

  /** Throws SettingsError. */
  constructor(options: ClientTablesOptions) {
    const { settings, protocol } = options;
    this.#options = options;
    this.#policies = openMaps(options, `${protocol}_tls_policy_maps`);
    this.#passwords = openMaps(options, `${protocol}_sasl_password_maps`, { allowsSubstitution: false });
    this.#kept = openMatchList(options, `${protocol}_connection_cache_destinations`, 'exact');
    this.#statusFilter = openMaps(options, `${protocol}_delivery_status_filter`);
    this.#replyFilter = openMaps(options, `${protocol}_reply_filter`);
    this.#mechanisms = openMatchList(options, `${protocol}_sasl_mechanism_filter`, 'exact');
    const isSmtp = protocol === 'smtp';
    this.#keywords = openMaps(
      options,
      isSmtp ? 'smtp_discard_ehlo_keyword_address_maps' : 'lmtp_discard_lhlo_keyword_address_maps',
    );
    const keywords = isSmtp ? settings.list('smtp_discard_ehlo_keywords') : settings.list('lmtp_discard_lhlo_keywords');
    this.#keywordList = lowerCase(keywords);
    // lmtp(8) has the parameter too, and does not use it.
    this.#bySender = isSmtp && settings.flag('smtp_sender_dependent_authentication');
  }

  get hasPolicies(): boolean {
    return !this.#policies.isEmpty;
  }

  get hasPasswords(): boolean {
    return !this.#passwords.isEmpty;
  }

  /** The row of the first key that has one. */
  policy(keys: readonly string[]): Promise<{ key: string; row: string } | undefined> {
    return this.#decide(async (decision) => {
      for (const key of keys) {
        const found = await this.#policies.find(decision, stage, key, 'full');
        if (found) return { key, row: found.value };
      }
      return undefined;
    });
  }

  /** `login:password`. First the sender where that is asked for, then the host, then the destination (SASL_README). */
  password({ sender, host, destination }: LoginKeys): Promise<string | undefined> {
    return this.#decide(async (decision) => {
      if (this.#bySender && sender !== '') {
        const search = { ...this.#options.search(decision), stage };
        const match = await findAddress(search, this.#passwords, toInternal(sender));
        if (match) return match.found.value;
      }
      const found =
        (await this.#passwords.find(decision, stage, host, 'full')) ??
        (await this.#passwords.find(decision, stage, destination, 'full'));
      return found?.value;
    });
  }

  discardedKeywords(address: string): Promise<ReadonlySet<string>> {
    if (this.#keywords.isEmpty) return Promise.resolve(this.#keywordList);
    return this.#decide(async (decision) => {
      const found = await this.#keywords.find(decision, stage, address, 'full');
      return found ? lowerCase(found.value.split(/[\s,]+/)) : this.#keywordList;
    });
  }

  /** A next hop without brackets and port (`unix:/path` as it is) to which connections are kept whatever the load. */
  isAlwaysKept(destination: string): Promise<boolean> | boolean {
    if (this.#kept.isEmpty) return false;
    return this.#decide(async (decision) => await this.#kept.matches(decision, stage, destination));
  }

  get filtersStatus(): boolean {
    return !this.#statusFilter.isEmpty;
  }

  get filtersReplies(): boolean {
    return !this.#replyFilter.isEmpty;
  }

  /** `4.2.1 text` as smtp_delivery_status_filter has it; undefined where it stays. */
  filteredStatus(status: string): Promise<string | undefined> {
    return this.#decide(async (decision) => {
      return (await this.#statusFilter.find(decision, stage, status, 'full'))?.value;
    });
  }

  /** A line of a reply, code and all, as smtp_reply_filter has it. */
  filteredReplyLine(line: string): Promise<string> {
    return this.#decide(async (decision) => {
      return (await this.#replyFilter.find(decision, stage, line, 'full'))?.value ?? line;
    });
  }

  /** An empty filter lets all pass. */
  isUsableMechanism(name: string): Promise<boolean> {
    if (this.#mechanisms.isEmpty) return Promise.resolve(true);
    return this.#decide(async (decision) => await this.#mechanisms.matches(decision, stage, name));
  }

  #decide<Result>(decide: (decision: Decision) => Promise<Result>): Promise<Result> {
    return decideAtOneRevision(this.#options.revisions, undefined, decide);
  }
}

function lowerCase(words: readonly string[]): ReadonlySet<string> {
  return new Set(words.map((word) => word.toLowerCase()).filter((word) => word !== ''));
}
