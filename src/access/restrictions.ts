// The restrictions that exist, by name (Postfix SMTPD_ACCESS_README), and the reader of restriction lists. A word
// that is none, or none yet, is an error at the start that names the parameter: a restriction that is silently
// ignored would be an open door.

import { isHostname, isIpAddress, literalAddress } from '../address/domain.ts';
import { domainOf } from '../address/form.ts';
import { ownAddresses } from '../routing/routing-settings.ts';
import { naming, openMaps, openMatchList, type OpenOptions, parentsMatchFor } from '../routing/open-maps.ts';
import type { Reply } from '../routing/types.ts';
import type { MatchList } from '../tables/match-list.ts';
import { SettingsError } from '../settings/settings-error.ts';
import type { Settings } from '../settings/settings.ts';
import { type AccessOptions, checkAccess } from './access-table.ts';
import { type Evaluation, type ListKind, type Restriction, type Verdict } from './evaluation.ts';
import { laterRestrictions } from './later-restrictions.ts';
import { checkAuthenticatedSender, checkUnauthenticatedSender, type SenderLoginRules } from './sender-login.ts';

type Check = Restriction['check'];

/** Reads the restriction lists of one service's settings. */
export class RestrictionReader {
  readonly #options: OpenOptions;
  readonly #checks: ReadonlyMap<string, Check>;
  readonly #classes = new Map<string, readonly Restriction[]>();

  constructor(options: OpenOptions) {
    this.#options = options;
    this.#checks = new Map(Object.entries(simpleChecks(options)));
    const names = options.settings.list('smtpd_restriction_classes');
    // Named before they are read: a class may name another, and itself.
    for (const name of names) this.#classes.set(name, []);
    for (const name of names) this.#classes.set(name, this.read(options.settings.restrictionClass(name), name));
  }

  /** Throws SettingsError. `parameter` is where the words stand. */
  read(words: readonly string[], parameter: string): Restriction[] {
    const list: Restriction[] = [];
    for (let index = 0; index < words.length; index++) {
      const word = words[index] as string;
      const name = word.toLowerCase();
      if (name === 'warn_if_reject') {
        const length = this.#takesArgument(words[index + 1]) ? 2 : 1;
        list.push(warnOnly(this.read(words.slice(index + 1, index + 1 + length), parameter)));
        index += length;
      } else if (this.#takesArgument(word)) {
        list.push(this.#access(name, words[++index], parameter));
      } else list.push(this.#plain(word, parameter));
    }
    return list;
  }

  #takesArgument(word: string | undefined): boolean {
    return word !== undefined && word.toLowerCase() in accessKinds;
  }

  #plain(word: string, parameter: string): Restriction {
    const check = this.#checks.get(word.toLowerCase());
    if (check !== undefined) return { name: word, check };
    if (this.#classes.has(word)) {
      return { name: word, check: (evaluation) => evaluation.run(this.#classes.get(word) ?? []) };
    }
    if (/^[a-z]\w*:./i.test(word)) {
      // `type:table` alone is check_X_access of whichever list it stands in.
      const options = this.#accessOptions(word, parameter);
      return { name: word, check: (evaluation) => checkAccess(evaluation, evaluation.kind, options) };
    }
    const { settings } = this.#options;
    const text = laterRestrictions.has(word.toLowerCase())
      ? `${parameter}: the restriction ${word} is not supported yet: remove it to go on without it`
      : `${parameter}: unknown restriction ${word}`;
    throw new SettingsError(text, parameter, settings.origin(parameter));
  }

  #access(name: string, table: string | undefined, parameter: string): Restriction {
    if (table === undefined) {
      const origin = this.#options.settings.origin(parameter);
      throw new SettingsError(`${parameter}: ${name} needs a table after it`, parameter, origin);
    }
    const options = this.#accessOptions(table, parameter);
    const kind = accessKinds[name] as ListKind;
    return { name: `${name} ${table}`, check: (evaluation) => checkAccess(evaluation, kind, options) };
  }

  #accessOptions(table: string, parameter: string): AccessOptions {
    const { settings, registry } = this.#options;
    return {
      table: naming(parameter, settings, () => registry.open(table)),
      parentsMatch: parentsMatchFor(settings, 'smtpd_access_maps'),
      nullSenderKey: settings.text('smtpd_null_access_lookup_key'),
      rejectCode: settings.integer('access_map_reject_code'),
      deferCode: settings.integer('access_map_defer_code'),
      allowsUntrustedRouting: settings.flag('allow_untrusted_routing'),
      parse: (words) => this.read(words.split(/[\s,]+/), table),
    };
  }
}

const accessKinds: Readonly<Record<string, ListKind>> = {
  check_client_access: 'client',
  check_helo_access: 'helo',
  check_sender_access: 'sender',
  check_recipient_access: 'recipient',
};

/** Refusals become log lines. */
function warnOnly(list: readonly Restriction[]): Restriction {
  const name = `warn_if_reject ${list[0]?.name ?? ''}`.trimEnd();
  return {
    name,
    check: async (evaluation) => {
      const [restriction] = list;
      const verdict = restriction === undefined ? 'dunno' : await restriction.check(evaluation);
      if (typeof verdict === 'string') return verdict;
      evaluation.info(`NOQUEUE: reject_warning: ${verdict.code} ${verdict.status} ${verdict.text}`);
      if (evaluation.decision.isTracing) evaluation.decision.tell('restriction', `${name}: ${verdict.text}`);
      return 'dunno';
    },
  };
}

function simpleChecks(options: OpenOptions): Record<string, Check> {
  const { settings } = options;
  const logins = {
    maps: openMaps(options, 'smtpd_sender_login_maps'),
    isAuthEnabled: settings.flag('smtpd_sasl_auth_enable'),
  };
  const mynetworks = openMatchList(options, 'mynetworks', 'client');
  return {
    permit: () => 'permit',
    reject: (evaluation) => plain(evaluation, settings.integer('reject_code'), '5.7.1', 'Access denied'),
    defer: (evaluation) => plain(evaluation, settings.integer('defer_code'), '4.3.2', 'Try again later'),
    defer_if_permit: (evaluation) => {
      evaluation.deferIfPermit ??= plain(evaluation, 450, '4.7.0', 'defer_if_permit requested');
      return 'dunno';
    },
    defer_if_reject: (evaluation) => {
      evaluation.deferIfReject ??= plain(evaluation, 450, '4.7.0', 'defer_if_reject requested');
      return 'dunno';
    },
    permit_mynetworks: (evaluation) => permitNetworks(evaluation, mynetworks),
    permit_inet_interfaces: permitOwnAddresses(settings),
    permit_sasl_authenticated: ({ client }) => (client.login === undefined ? 'dunno' : 'permit'),
    ...destinationChecks(settings),
    reject_unlisted_recipient: (evaluation) => recipientOnly(evaluation, () => evaluation.checkListed('recipient')),
    reject_unlisted_sender: (evaluation) => (evaluation.sender === '' ? 'dunno' : evaluation.checkListed('sender')),
    ...nameChecks(settings),
    ...loginChecks(logins),
  };
}

function recipientOnly(evaluation: Evaluation, check: () => Promise<Verdict>): Promise<Verdict> | Verdict {
  return evaluation.recipient === undefined ? 'dunno' : check();
}

function plain(evaluation: Evaluation, code: number, status: string, reason: string): Reply {
  return {
    code,
    status: `${Math.floor(code / 100)}${status.slice(1)}`,
    text: `${evaluation.subjectText} rejected: ${reason}`,
  };
}

async function permitNetworks(evaluation: Evaluation, mynetworks: MatchList): Promise<Verdict> {
  const { name = '', address = '' } = evaluation.client;
  if (name === '' && address === '') return 'dunno';
  return (await mynetworks.matches(evaluation.decision, 'access', name, address)) ? 'permit' : 'dunno';
}

function permitOwnAddresses(settings: Settings): Check {
  const own = ownAddresses(settings);
  return ({ client }) => (client.address !== undefined && own.has(client.address.toLowerCase()) ? 'permit' : 'dunno');
}

/** Relay control: mail for our own domains and for relay_domains, unless the address is routed further. */
function destinationChecks(settings: Settings): Record<string, Check> {
  const allowsRouting = settings.flag('allow_untrusted_routing');
  const isAuthorised = async (evaluation: Evaluation): Promise<boolean> => {
    const resolved = await evaluation.resolved('recipient');
    return resolved.class !== 'default' && (allowsRouting || !resolved.isRouted);
  };
  const refuseOthers = (code: number, status: string): Check => {
    const deny = async (evaluation: Evaluation): Promise<Verdict> => {
      if (await isAuthorised(evaluation)) return 'dunno';
      return { code, status, text: `<${evaluation.recipient ?? ''}>: Relay access denied` };
    };
    return (evaluation) => recipientOnly(evaluation, () => deny(evaluation));
  };
  const code = settings.integer('relay_domains_reject_code');
  return {
    permit_auth_destination: (evaluation) =>
      recipientOnly(evaluation, async () => ((await isAuthorised(evaluation)) ? 'permit' : 'dunno')),
    reject_unauth_destination: refuseOthers(code, `${Math.floor(code / 100)}.7.1`),
    defer_unauth_destination: refuseOthers(code - 100, '4.7.1'),
  };
}

function nameChecks(settings: Settings): Record<string, Check> {
  const code = settings.integer('non_fqdn_reject_code');
  const invalidCode = settings.integer('invalid_hostname_reject_code');
  const nonFqdnHelo: Check = (evaluation) => checkHelo(evaluation, code, invalidCode, 'fqdn');
  const invalidHelo: Check = (evaluation) => checkHelo(evaluation, code, invalidCode, 'valid');
  return {
    reject_non_fqdn_sender: ({ sender }) => (sender === '' ? 'dunno' : checkFqdn(sender, 'Sender address', code)),
    reject_non_fqdn_recipient: ({ recipient }) =>
      recipient === undefined ? 'dunno' : checkFqdn(recipient, 'Recipient address', code),
    reject_non_fqdn_helo_hostname: nonFqdnHelo,
    reject_non_fqdn_hostname: nonFqdnHelo,
    reject_invalid_helo_hostname: invalidHelo,
    reject_invalid_hostname: invalidHelo,
  };
}

function checkFqdn(address: string, role: string, code: number): Verdict {
  const domain = domainOf(address);
  const name = domain.endsWith('.') ? domain.slice(0, -1) : domain;
  if (domain.startsWith('[') ? literalAddress(domain) !== undefined : name.includes('.') && isHostname(name)) {
    return 'dunno';
  }
  return {
    code,
    status: `${Math.floor(code / 100)}.5.2`,
    text: `<${address}>: ${role} rejected: need fully-qualified address`,
  };
}

function checkHelo({ client }: Evaluation, code: number, invalidCode: number, what: 'fqdn' | 'valid'): Verdict {
  const { helo } = client;
  if (helo === undefined) return 'dunno';
  const refuse = (number: number, reason: string): Reply => ({
    code: number,
    status: `${Math.floor(number / 100)}.5.2`,
    text: `<${helo}>: Helo command rejected: ${reason}`,
  });
  if (helo.startsWith('['))
    return literalAddress(helo) === undefined ? refuse(invalidCode, 'invalid ip address') : 'dunno';
  const name = helo.endsWith('.') ? helo.slice(0, -1) : helo;
  if (what === 'valid') return isHostname(name) || isIpAddress(name) ? 'dunno' : refuse(invalidCode, 'Invalid name');
  return isHostname(name) && name.includes('.') ? 'dunno' : refuse(code, 'need fully-qualified hostname');
}

function loginChecks(rules: SenderLoginRules): Record<string, Check> {
  return {
    reject_sender_login_mismatch: async (evaluation) => {
      const verdict = await checkAuthenticatedSender(evaluation, rules, false);
      return verdict === 'dunno' ? await checkUnauthenticatedSender(evaluation, rules) : verdict;
    },
    reject_authenticated_sender_login_mismatch: (evaluation) => checkAuthenticatedSender(evaluation, rules, false),
    reject_known_sender_login_mismatch: (evaluation) => checkAuthenticatedSender(evaluation, rules, true),
    reject_unauthenticated_sender_login_mismatch: (evaluation) => checkUnauthenticatedSender(evaluation, rules),
  };
}
