// The rules by which clients are looked at before the greeting: postscreen(8)'s parameters with their meanings and
// defaults, the permanent access list and the scores of DNS lists. What is done by them stands in smtp-server/screen/.

import type { Resolver } from '../dns/resolver.ts';
import { TemporaryError } from '../lib/temporary-error.ts';
import { Decision } from '../routing/decision.ts';
import { naming, openMatchList, type OpenOptions } from '../routing/open-maps.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { type DnsblScore, DnsblScores, parseDnsblSite } from './dnsbl-score.ts';

/** ignore: it passes this time; enforce: its mail is refused; drop: it is sent away at once. */
export type ScreenAction = 'ignore' | 'enforce' | 'drop';
export type AccessVerdict = 'permit' | 'reject' | 'dunno';

/** Times in milliseconds. */
export interface ScreenOptions {
  readonly program: string;
  readonly hostname: string;
  readonly banner: string;
  /** What is sent before the wait, so that who does not wait shows it; '' for nothing. */
  readonly teaser: string;
  readonly greetWait: number;
  readonly greetAction: ScreenAction;
  readonly greetTtl: number;
  readonly dnsblAction: ScreenAction;
  readonly dnsblThreshold: number;
  /** At this score or below the client need not wait; 0 is none. */
  readonly dnsblAllowThreshold: number;
  readonly dnsblMinTtl: number;
  readonly dnsblMaxTtl: number;
  readonly denylistAction: ScreenAction;
  readonly connectionLimit: number;
  readonly waitingLimit: number;
  readonly commandLimit: number;
  readonly commandTime: number;
  readonly lineLimit: number;
  readonly messageSizeLimit: number;
  readonly vrfyDisabled: boolean;
  readonly heloRequired: boolean;
  readonly retention: number;
  /** How long a client that is sent away waits for it (smtpd_error_sleep_time). */
  readonly refusalDelay: number;
  /** ALLOWLISTED, or what it was called before 3.6. */
  readonly words: { readonly allowed: string; readonly denied: string };
}

type ListElement = AccessVerdict | ((address: string) => Promise<AccessVerdict>);

export class ScreenRules {
  readonly options: ScreenOptions;
  readonly dnsbl: DnsblScores;
  readonly #list: readonly ListElement[];
  readonly #warn: (text: string) => void;

  /** Throws SettingsError. */
  constructor(open: OpenOptions, resolver: Resolver) {
    const { settings } = open;
    this.#warn = open.warn;
    this.options = readScreenOptions(settings);
    this.#list = readAccessList(open);
    const name = 'postscreen_dnsbl_sites';
    const sites = settings.list(name).map((site) => parseDnsblSite(site, name));
    this.dnsbl = new DnsblScores(sites, resolver, settings.seconds('postscreen_dnsbl_timeout') * 1000, open.warn);
  }

  async access(address: string): Promise<AccessVerdict> {
    try {
      for (const element of this.#list) {
        const verdict = typeof element === 'string' ? element : await element(address);
        if (verdict !== 'dunno') return verdict;
      }
    } catch (error) {
      if (!(error instanceof TemporaryError)) throw error;
      this.#warn(`postscreen_access_list: ${error.message}`);
    }
    return 'dunno';
  }

  score(address: string): Promise<DnsblScore> {
    return this.dnsbl.ask(address);
  }

  /** How long a client whose score was good need not be asked about again. */
  dnsblTtl({ ttlSeconds }: DnsblScore): number {
    const { dnsblMinTtl, dnsblMaxTtl } = this.options;
    return Math.min(Math.max((ttlSeconds ?? 0) * 1000, dnsblMinTtl), dnsblMaxTtl);
  }
}

function readAccessList(open: OpenOptions): ListElement[] {
  const name = 'postscreen_access_list';
  const { settings, registry, warn } = open;
  const mynetworks = openMatchList(open, 'mynetworks', 'client');
  return settings.list(name).map((word): ListElement => {
    const plain = asVerdict(word);
    if (plain !== undefined) return plain;
    if (word.toLowerCase() === 'permit_mynetworks') {
      return async (address) =>
        (await mynetworks.matches(new Decision(false), 'access', 'unknown', address)) ? 'permit' : 'dunno';
    }
    if (!word.includes(':')) {
      const text = `${name}: bad command ${word}: write permit_mynetworks, permit, reject, dunno or a table`;
      throw new SettingsError(text, name, settings.origin(name));
    }
    const table = naming(name, settings, () => registry.open(word));
    return async (address) => {
      const found = await table.lookup(address);
      if (found.kind !== 'found') return 'dunno';
      const verdict = asVerdict(found.value.trim());
      // An unknown word is no reason to let somebody in, nor to turn him away.
      if (verdict === undefined) warn(`${word}: bad command ${found.value.slice(0, 100)} for ${address}: not used`);
      return verdict ?? 'dunno';
    };
  });
}

function asVerdict(word: string): AccessVerdict | undefined {
  const lower = word.toLowerCase();
  return lower === 'permit' || lower === 'reject' || lower === 'dunno' ? lower : undefined;
}

function readScreenOptions(settings: Settings): ScreenOptions {
  const respectful = settings.flag('respectful_logging');
  const milliseconds = (name: Parameters<Settings['seconds']>[0]): number => settings.seconds(name) * 1000;
  return {
    program: `${settings.text('syslog_name')}/postscreen`,
    hostname: settings.text('myhostname'),
    banner: settings.text('smtpd_banner'),
    teaser: settings.text('postscreen_greet_banner'),
    greetWait: milliseconds('postscreen_greet_wait'),
    greetAction: action(settings, 'postscreen_greet_action'),
    greetTtl: milliseconds('postscreen_greet_ttl'),
    dnsblAction: action(settings, 'postscreen_dnsbl_action'),
    dnsblThreshold: settings.integer('postscreen_dnsbl_threshold'),
    dnsblAllowThreshold: settings.integer('postscreen_dnsbl_allowlist_threshold'),
    dnsblMinTtl: milliseconds('postscreen_dnsbl_min_ttl'),
    dnsblMaxTtl: milliseconds('postscreen_dnsbl_max_ttl'),
    denylistAction: action(settings, 'postscreen_denylist_action'),
    connectionLimit: settings.integer('postscreen_client_connection_count_limit'),
    waitingLimit: settings.integer('postscreen_pre_queue_limit'),
    commandLimit: settings.integer('postscreen_command_count_limit'),
    commandTime: milliseconds('postscreen_command_time_limit'),
    lineLimit: settings.integer('line_length_limit'),
    messageSizeLimit: settings.integer('message_size_limit'),
    vrfyDisabled: settings.flag('postscreen_disable_vrfy_command'),
    heloRequired: settings.flag('postscreen_helo_required'),
    refusalDelay: milliseconds('smtpd_error_sleep_time'),
    retention: milliseconds('postscreen_cache_retention_time'),
    words: respectful
      ? { allowed: 'ALLOWLISTED', denied: 'DENYLISTED' }
      : { allowed: 'WHITELISTED', denied: 'BLACKLISTED' },
  };
}

function action(
  settings: Settings,
  name: 'postscreen_greet_action' | 'postscreen_dnsbl_action' | 'postscreen_denylist_action',
): ScreenAction {
  const word = settings.text(name).toLowerCase();
  if (word === 'ignore' || word === 'enforce' || word === 'drop') return word;
  const text = `${name}: bad action ${word}: write ignore, enforce or drop`;
  throw new SettingsError(text, name, settings.origin(name));
}
