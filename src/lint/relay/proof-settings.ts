// The settings of one service, made ready for the proof: every restriction list begins and ends with a mark; a check
// that somebody else decides (a table that only a server knows, a policy service, a certificate) becomes an oracle;
// lists of domains whose tables cannot be read have one domain that stands for all of theirs; tables that have no part
// in the question are left out. All else stays as it is, to be judged by the code that judges mail.

import type { Settings } from '../../settings/settings.ts';
import type { LintContext } from '../context.ts';
import { splitList } from '../../lib/split-list.ts';
import { isRestriction, takesArgument } from '../../smtp/restriction-names.ts';
import { type ListName, listNames, type Server, tableKinds } from '../restriction-lists.ts';
import { tableUse, type TableUse } from '../table-uses.ts';
import { type Candidates, readCandidates } from './candidates.ts';
import type { Oracle } from './oracles.ts';
import type { ProofTables } from './proof-tables.ts';

export interface ProofSettings {
  /** The service's. */
  readonly settings: Settings;
  /** main.cf's: where mail goes does not depend on the service (trivial-rewrite(8)). */
  readonly main: Settings;
  /** Keys and networks of clients, as written: strangers live in none that could be somebody's own. */
  readonly networks: readonly string[];
  /** Words that rows of access tables give a meaning to. */
  readonly candidates: Candidates;
  /** What is taken for granted, as that a table of clients lists nobody's but the administrator's. */
  readonly assumptions: ReadonlySet<string>;
  /** Domains of lists in the DNS. */
  readonly listDomains: readonly string[];
  readonly asksForBackup: boolean;
}

/** For a list of domains that cannot be read: one of those that are in it. */
export const listedDomain = (parameter: string): string => `listed-in-${parameter.replaceAll('_', '-')}.invalid`;

const domainLists = ['mydestination', 'virtual_alias_domains', 'virtual_mailbox_domains', 'relay_domains'];
const clientLists = ['mynetworks', 'permit_mx_backup_networks', 'smtpd_authorized_xclient_hosts'];
const recipientMaps = ['local_recipient_maps', 'virtual_mailbox_maps', 'relay_recipient_maps'];
/** No part of the question, and perhaps not to be opened here. */
const leftOut = [
  'smtpd_reject_footer',
  'smtpd_reject_footer_maps',
  'smtpd_discard_ehlo_keyword_address_maps',
  'smtpd_authorized_xforward_hosts',
  'smtpd_authorized_verp_clients',
  'smtpd_forbid_bare_newline_exclusions',
  'smtpd_sasl_exceptions_networks',
  'smtpd_sasl_mechanism_filter',
  'smtpd_log_access_permit_actions',
  'local_header_rewrite_clients',
  'rbl_reply_maps',
  'smtpd_sender_login_maps',
  'always_bcc',
  'sender_bcc_maps',
  'recipient_bcc_maps',
];
/** Those that only refuse, and that smtpd(8) of this program need not know. */
const onlyRefusing = new Set(['reject_unknown_forward_client_hostname', 'dunno']);

export function proofSettings(context: LintContext, server: Server, tables: ProofTables): ProofSettings {
  return new Preparation(context, server, tables).prepare();
}

class Preparation {
  readonly #context: LintContext;
  readonly #server: Server;
  readonly #tables: ProofTables;
  readonly #candidates: Candidates = { senders: [], helos: [], recipients: [], clients: [] };
  readonly #assumptions = new Set<string>();
  readonly #listDomains = new Set<string>();
  readonly #networks: string[] = [];
  #asksForBackup = false;

  constructor(context: LintContext, server: Server, tables: ProofTables) {
    this.#context = context;
    this.#server = server;
    this.#tables = tables;
  }

  prepare(): ProofSettings {
    const context = this.#context;
    const { settings } = this.#server;
    for (const name of context.list('maps_rbl_domains', settings)) this.#listDomains.add(name);
    if (context.text('smtpd_upstream_proxy_protocol', settings) !== '') {
      this.#assumptions.add('only the proxy of smtpd_upstream_proxy_protocol can connect to this service');
    }
    const overrides = this.#routing(settings);
    for (const name of clientLists) {
      const words = this.#matchList(name, settings);
      overrides[name] = asValue(words);
      if (name === 'mynetworks') this.#networks.push(...words.flatMap((word) => this.#networksOf(word)));
    }
    for (const name of context.list('smtpd_restriction_classes', settings)) {
      overrides[name] = asValue(this.#words(splitList(context.text(name, settings)), name, 'recipient'));
    }
    for (const name of listNames) {
      const parameter = `smtpd_${name}_restrictions`;
      const words = context.list(parameter, settings);
      const mark = (side: string): string[] => ['check_client_access', `proof:${side}-${name}`];
      overrides[parameter] =
        words.length === 0 ? '' : asValue([...mark('begin'), ...this.#words(words, parameter, name), ...mark('end')]);
    }
    return {
      settings: settings.withOverrides(overrides),
      main: context.settings.withOverrides(this.#routing(context.settings)),
      networks: this.#networks,
      candidates: this.#candidates,
      assumptions: this.#assumptions,
      listDomains: [...this.#listDomains],
      asksForBackup: this.#asksForBackup,
    };
  }

  /** Lists of domains and of their recipients, and what has no part in the question. */
  #routing(settings: Settings): Record<string, string> {
    const overrides: Record<string, string> = { myorigin: this.#context.text('myorigin') };
    for (const name of leftOut) overrides[name] = '';
    for (const name of domainLists) overrides[name] = asValue(this.#matchList(name, settings));
    for (const name of recipientMaps) {
      if (this.#context.list(name, settings).some((word) => this.#isClosed(word, name))) overrides[name] = '';
    }
    return overrides;
  }

  #networksOf(word: string): string[] {
    const use = this.#use(word, 'mynetworks');
    const contents = use && this.#context.contents(use);
    if (contents?.kind === 'rows') return contents.rows.map(({ folded }) => folded);
    return contents?.kind === 'patterns' ? contents.rules.map(({ pattern }) => pattern) : [word];
  }

  /** Files put in; of tables that cannot be read one domain remains. */
  #matchList(name: string, settings: Settings): string[] {
    const words = this.#context.list(name, settings).flatMap((word) => this.#elements(word));
    let isClosed = false;
    const open = words.filter((word) => {
      const bare = word.replace(/^!+/, '');
      const isTable = /^[a-z]\w*:/i.test(bare) && !/^[0-9a-f:.]+(\/\d+)?$/i.test(bare);
      if (!isTable || !this.#isClosed(bare, name)) return true;
      isClosed = true;
      return false;
    });
    if (!isClosed) return open;
    if (domainLists.includes(name)) return [...open, listedDomain(name)];
    this.#assumptions.add(`the tables of ${name} list no clients but the administrator's own`);
    return open;
  }

  #elements(word: string): string[] {
    const file = /^(!*)(\/.*)$/s.exec(word);
    if (file === null) return [word];
    const read = this.#context.files.read(file[2] ?? '');
    if (read.kind === 'failed') return [word];
    const lines = read.text.split('\n').filter((line) => !line.startsWith('#'));
    return splitList(lines.map((line) => line.replace(/\s#.*$/, '')).join('\n')).map((one) => `${file[1]}${one}`);
  }

  /** Only a server knows its rows. */
  #isClosed(text: string, parameter: string): boolean {
    const use = this.#use(text, parameter);
    if (use === undefined) return true;
    const isSeen = (one: TableUse): boolean =>
      one.members.length > 0
        ? one.members.every(isSeen)
        : one.type === 'fail' || one.name.startsWith('{') || this.#context.contents(one).kind !== 'opaque';
    return !isSeen(use);
  }

  #use(text: string, parameter: string): TableUse | undefined {
    return tableUse(text, { parameter, place: { file: '', line: 0 }, service: undefined });
  }

  #words(words: readonly string[], parameter: string, list: ListName): string[] {
    const rewritten: string[] = [];
    for (let at = 0; at < words.length; at++) {
      const word = words[at] as string;
      const name = word.toLowerCase();
      if (takesArgument(name)) rewritten.push(...this.#withArgument(name, words[++at], parameter));
      else if (this.#use(word, 'smtpd_restrictions_maps') !== undefined) {
        rewritten.push(...this.#access(tableKinds[list], word, parameter));
      } else rewritten.push(...this.#plain(word, parameter));
    }
    return rewritten;
  }

  #plain(word: string, parameter: string): string[] {
    const name = word.toLowerCase();
    if (onlyRefusing.has(name)) return [];
    if (name === 'permit_mx_backup') this.#asksForBackup = true;
    if (name === 'permit_tls_clientcerts') {
      const isOpen = this.#context
        .list('relay_clientcerts', this.#server.settings)
        .some((table) => /^(proxy:)?(static|pcre|regexp):/.test(table));
      if (isOpen) return this.#oracle(`${parameter}: ${word}`, 'relay_clientcerts lists the certificate');
      this.#assumptions.add('relay_clientcerts lists no certificates but those of trusted clients');
      return [];
    }
    if (name === 'permit_tls_all_clientcerts') {
      return this.#oracle(`${parameter}: ${word}`, 'the client has a certificate that a CA of smtpd_tls_CAfile signed');
    }
    const classes = this.#context.list('smtpd_restriction_classes', this.#server.settings);
    return isRestriction(name) || classes.includes(word) ? [word] : ['check_client_access', 'proof:error'];
  }

  #withArgument(name: string, argument: string | undefined, parameter: string): string[] {
    if (argument === undefined) return ['check_client_access', 'proof:error'];
    // Nobody is logged in; and to be made to wait is no refusal.
    if (name === 'check_sasl_access' || name === 'sleep') return [];
    const shown = `${parameter}: ${name} ${argument}`;
    if (name === 'check_policy_service') return this.#oracle(shown, 'it answers OK');
    if (name === 'check_ccert_access') {
      if (/^(proxy:)?(static|pcre|regexp):/.test(argument)) return this.#oracle(shown, 'it permits the certificate');
      this.#assumptions.add(`${argument} permits no certificates but those of trusted clients`);
      return [];
    }
    if (/^(reject|permit)_.*(rbl|rhsbl|dnswl|rhswl)/.test(name)) {
      this.#listDomains.add(argument.replace(/=.*$/, ''));
      return [name, argument];
    }
    if (/_(a|mx|ns)_access$/.test(name)) {
      // Its OK is forbidden; rows that lint cannot see would only refuse.
      return this.#isClosed(argument, parameter) ? [] : [name, argument];
    }
    return this.#access(name, argument, parameter);
  }

  /** check_client_access and its kin. */
  #access(name: string, table: string, parameter: string): string[] {
    const use = this.#use(table, 'smtpd_restrictions_maps');
    if (use === undefined) return ['check_client_access', 'proof:error'];
    const contents = this.#context.contents(use);
    const shown = `${parameter}: ${name} ${table}`;
    if (contents.kind !== 'opaque') {
      if (name === 'check_client_access') this.#networks.push(...this.#networksOf(table));
      const unsampled = readCandidates(name, contents, this.#candidates, this.#context);
      return [...unsampled.flatMap((condition) => this.#oracle(shown, condition)), name, table];
    }
    if (name === 'check_client_access') {
      this.#assumptions.add(`${table} (${parameter}) permits no clients but the administrator's own`);
      return [];
    }
    return this.#oracle(shown, `it answers OK for ${subjects[name] ?? 'the client'}`);
  }

  #oracle(what: string, condition: string): string[] {
    const oracle: Oracle = { what, condition };
    return ['check_client_access', this.#tables.addOracle(oracle)];
  }
}

const subjects: Readonly<Record<string, string>> = {
  check_helo_access: 'a HELO name, which the client chooses',
  check_sender_access: 'a sender address, which the client chooses',
  check_recipient_access: 'an address of another domain',
  check_reverse_client_hostname_access: 'the name that the client’s DNS gives it',
};

/** `$` would be expanded once more. */
function asValue(words: readonly string[]): string {
  return words.join(', ').replaceAll('$', '$$$$');
}
