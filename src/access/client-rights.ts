// What a client may because of where it comes from, beside the restrictions: speak for others (XCLIENT, XFORWARD), end
// lines with a bare LF, and whether AUTH is hidden from it (postconf(5)). A list that cannot be asked grants nothing.

import { splitList } from '../lib/split-list.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { Decision } from '../routing/decision.ts';
import { naming, openMaps, openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import type { Client, TraceSink } from '../routing/types.ts';
import type { Maps } from '../tables/maps.ts';
import type { MatchList } from '../tables/match-list.ts';

export interface ClientRights {
  readonly mayUseXclient: boolean;
  /** Mail with a sender address for each recipient (smtpd_authorized_verp_clients). */
  readonly mayUseVerp?: boolean;
  readonly mayUseXforward: boolean;
  /** smtpd_forbid_bare_newline_exclusions. */
  readonly maySendBareLineFeeds: boolean;
  /** smtpd_sasl_exceptions_networks. */
  readonly isAuthHidden: boolean;
  /** smtpd_discard_ehlo_keyword_address_maps: in place of smtpd_discard_ehlo_keywords, in lower case. */
  readonly discardedKeywords?: ReadonlySet<string>;
  /** smtpd_milter_maps: in place of smtpd_milters; `?` where that could not be found out. */
  readonly milters?: string;
}

export class ClientLists {
  readonly #options: OpenOptions;
  readonly #xclient: MatchList;
  readonly #xforward: MatchList;
  readonly #verp: MatchList;
  readonly #bareLineFeeds: MatchList;
  readonly #authHidden: MatchList;
  readonly #mechanisms: MatchList;
  readonly #keywords: Maps;
  readonly #milters: Maps;

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#xclient = openMatchList(options, 'smtpd_authorized_xclient_hosts', 'client');
    this.#xforward = openMatchList(options, 'smtpd_authorized_xforward_hosts', 'client');
    this.#verp = openMatchList(options, 'smtpd_authorized_verp_clients', 'client');
    this.#bareLineFeeds = openMatchList(options, 'smtpd_forbid_bare_newline_exclusions', 'client');
    this.#authHidden = openMatchList(options, 'smtpd_sasl_exceptions_networks', 'client');
    this.#keywords = openMaps(options, 'smtpd_discard_ehlo_keyword_address_maps');
    this.#milters = openMaps(options, 'smtpd_milter_maps');
    this.#mechanisms = openMatchList(options, 'smtpd_sasl_mechanism_filter', 'exact');
  }

  async rightsOf(client: Client): Promise<ClientRights> {
    const decision = new Decision(false);
    const [mayUseXclient, mayUseXforward, maySendBareLineFeeds, isAuthHidden, mayUseVerp] = await Promise.all([
      this.#matches(decision, this.#xclient, client),
      this.#matches(decision, this.#xforward, client),
      this.#matches(decision, this.#bareLineFeeds, client),
      this.#matches(decision, this.#authHidden, client),
      this.#matches(decision, this.#verp, client),
    ]);
    const keywords = this.#keywords.isEmpty ? undefined : await this.#found(decision, this.#keywords, client);
    const discardedKeywords =
      keywords?.value === undefined ? undefined : new Set(splitList(keywords.value.toLowerCase()));
    const milters = await this.milters(client);
    return {
      mayUseXclient,
      mayUseXforward,
      maySendBareLineFeeds,
      isAuthHidden,
      mayUseVerp,
      ...(discardedKeywords === undefined ? {} : { discardedKeywords }),
      ...(milters === undefined ? {} : { milters }),
    };
  }

  /** Nobody goes round a filter because a table does not answer: then it is `?`. */
  async milters(client: Client, trace?: TraceSink): Promise<string | undefined> {
    if (this.#milters.isEmpty) return undefined;
    const decision = new Decision(trace !== undefined);
    const found = await this.#found(decision, this.#milters, client, 'milters');
    for (const step of decision.steps) trace?.(step);
    return found && (found.value ?? '?');
  }

  /** What a table says of the client's address; without a value where it could not tell. */
  async #found(
    decision: Decision,
    maps: Maps,
    { address = '' }: Client,
    stage = 'access',
  ): Promise<{ readonly value: string | undefined } | undefined> {
    try {
      return await maps.find(decision, stage, address, 'full');
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#options.warn(`${maps.name}: ${error.message}`);
      return { value: undefined };
    }
  }

  /** smtpd_sasl_mechanism_filter. */
  async allowsMechanism(name: string): Promise<boolean> {
    return this.#mechanisms.isEmpty || (await this.#matches(new Decision(false), this.#mechanisms, { name }));
  }

  #matches(
    decision: Decision,
    list: MatchList,
    { name = 'unknown', address = '' }: Client,
  ): Promise<boolean> | boolean {
    const match = list.matches(decision, 'access', name, address);
    if (typeof match === 'boolean') return match;
    return match.catch((error: unknown) => {
      if (!(error instanceof TemporaryError)) throw error;
      this.#options.warn(`${list.name}: lookup error for "${name}/${address}": ${error.message}`);
      return false;
    });
  }
}

/** check_address_map, with or without that word before the tables: does one list the address? Throws TemporaryError. */
export function openHeaderClients({ settings, registry }: OpenOptions): (address: string) => Promise<boolean> {
  const parameter = 'local_header_rewrite_clients';
  const names = settings.list(parameter).filter((word) => word.includes(':'));
  const tables = naming(parameter, settings, () => names.map((name) => registry.open(name)));
  return async (address) => {
    for (const table of tables) if ((await table.lookup(address)).kind === 'found') return true;
    return false;
  };
}
